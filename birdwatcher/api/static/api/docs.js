// Shows the schema, and sends trial requests with the CSRF token that a session needs.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("api");
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
  window.SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    // Swagger's validator badge would be loaded from another site.
    validatorUrl: null,
    requestInterceptor: (request) => {
      if (!["GET", "HEAD"].includes(request.method)) request.headers["X-CSRFToken"] = token();
      return request;
    },
  });
});

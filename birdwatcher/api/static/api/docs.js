// Shows the schema, and sends what is tried out with the CSRF token that a session needs.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("api");
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
  window.SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    // The badge of its validator would be loaded from elsewhere.
    validatorUrl: null,
    requestInterceptor: (request) => {
      if (!["GET", "HEAD"].includes(request.method)) request.headers["X-CSRFToken"] = token();
      return request;
    },
  });
});

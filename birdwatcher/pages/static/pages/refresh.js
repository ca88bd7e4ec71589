"use strict";
// Parts that refresh themselves by htmx: not in a hidden page, and at once when it is shown again.
// Such a part has hx-trigger="every 5s, refresh" and `data-refreshes`.
(() => {
    // Not `htmx:beforeRequest`, which links and buttons also send.
    document.addEventListener("htmx:confirm", (event) => {
        const byTimer = "refreshes" in event.detail.elt.dataset;
        if (byTimer && document.hidden) event.preventDefault();
    });

    // This event comes once after every request, whatever its result.
    document.addEventListener("htmx:afterRequest", (event) => {
        const part = event.detail.elt.closest("[data-refreshes]");
        part?.toggleAttribute("data-stale", !event.detail.successful);
    });
    document.addEventListener("visibilitychange", () => {
        if (document.hidden) return;
        for (const part of document.querySelectorAll("[data-refreshes]")) {
            window.htmx?.trigger(part, "refresh");
        }
    });
})();

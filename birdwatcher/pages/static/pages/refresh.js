"use strict";
// Parts that refresh themselves by htmx: not while nobody looks, and at once when somebody does again.
// Such a part has hx-trigger="every 5s, refresh" and `data-refreshes`.
(() => {
    // Not `htmx:beforeRequest`, which a click on a link or a form's button sends, too.
    document.addEventListener("htmx:confirm", (event) => {
        const byTimer = "refreshes" in event.detail.elt.dataset;
        if (byTimer && document.hidden) event.preventDefault();
    });

    // Whatever became of a request, this comes once, and last.
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

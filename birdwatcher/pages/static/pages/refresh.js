"use strict";
// Parts that refresh themselves by htmx: not while nobody looks, and at once when somebody does again.
// Such a part has hx-trigger="every 5s, refresh" and `data-refreshes`.
(() => {
    // Not `htmx:beforeRequest`, which a click on a link or a form's button sends, too.
    document.addEventListener("htmx:confirm", (event) => {
        const byTimer = "refreshes" in event.detail.elt.dataset;
        // An open menu or a field in use would be taken from under the hand.
        if (byTimer && (document.hidden || event.detail.elt.matches(":focus-within"))) {
            event.preventDefault();
        }
    });

    function mark(event, stale) {
        event.detail.elt.closest("[data-refreshes]")?.toggleAttribute("data-stale", stale);
    }

    document.addEventListener("htmx:afterOnLoad", (event) => mark(event, false));
    for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
        document.addEventListener(failure, (event) => mark(event, true));
    }
    document.addEventListener("visibilitychange", () => {
        if (document.hidden) return;
        for (const part of document.querySelectorAll("[data-refreshes]")) {
            window.htmx?.trigger(part, "refresh");
        }
    });
})();

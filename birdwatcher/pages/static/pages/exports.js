"use strict";
// A click on an export starts a download without leaving the page: then show its progress.
(() => {
    const SOON = [400, 1500, 5000]; // milliseconds until the server has recorded it

    document.addEventListener("click", (event) => {
        if (!event.target.closest("a[data-export]")) return;
        for (const pause of SOON) {
            setTimeout(() => {
                const part = document.getElementById("exports");
                if (part) window.htmx?.trigger(part, "refresh");
            }, pause);
        }
    });
})();

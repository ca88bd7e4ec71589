"use strict";
// A click on an export starts a download, which leaves the page as it is: ask then how far it has come.
(() => {
    const SOON = [400, 1500, 5000]; // milliseconds, until the server knows of it

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

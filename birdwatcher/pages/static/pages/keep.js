"use strict";
// What a refresh must keep: htmx keeps the focus by its id; this keeps ticked boxes, open details, and
// text that is being selected.
(() => {
    const opened = new Set();

    function part(event) {
        const refresher = event.detail.elt;
        return "refreshes" in refresher.dataset
            ? document.querySelector(refresher.getAttribute("hx-target")) : null;
    }

    function isSelecting(element) {
        const selection = getSelection();
        return !selection.isCollapsed && selection.containsNode(element, true);
    }

    document.addEventListener("htmx:confirm", (event) => {
        const target = part(event);
        if (!target) return;
        const waits = isSelecting(target);
        event.detail.elt.toggleAttribute("data-paused", waits);
        if (waits) event.preventDefault();
    });

    document.addEventListener("toggle", (event) => {
        if (!event.target.id) return;
        if (event.target.open) opened.add(event.target.id);
        else if (event.target.isConnected) opened.delete(event.target.id);
    }, true);

    function restore() {
        for (const id of opened) {
            const details = document.getElementById(id);
            if (details && !details.open) details.open = true;
        }
    }

    document.addEventListener("htmx:afterSwap", restore);
    document.addEventListener("htmx:oobAfterSwap", restore);
})();

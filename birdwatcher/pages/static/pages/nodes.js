"use strict";
// The list of nodes: the chosen ones, which a refresh keeps, and the filters.
(() => {
    const chosen = new Set();

    function boxes() {
        return [...document.querySelectorAll('#nodes input[name="node"]')];
    }

    // After a reload, the browser may have kept boxes ticked.
    function read() {
        chosen.clear();
        for (const box of boxes()) if (box.checked) chosen.add(box.value);
    }

    function show() {
        const all = document.getElementById("all");
        const form = document.getElementById("act");
        if (!all || !form) return;
        const shown = boxes();
        const count = shown.filter((box) => box.checked).length;
        all.checked = count > 0 && count === shown.length;
        all.indeterminate = count > 0 && count < shown.length;
        const every = document.getElementById("every");
        if (every) {
            every.hidden = !all.checked;
            if (every.hidden) every.firstElementChild.checked = false;
        }
        const isEvery = every?.firstElementChild.checked;
        const text = isEvery ? "All chosen" : count ? `${count.toLocaleString("en")} chosen` : "";
        const output = document.getElementById("chosen");
        if (output.textContent !== text) output.textContent = text;
        for (const button of form.querySelectorAll("button")) button.disabled = !count;
    }

    document.addEventListener("change", (event) => {
        if (event.target.id === "all") {
            for (const box of boxes()) box.checked = event.target.checked;
        } else if (event.target.matches(".filters select")) {
            event.target.form.requestSubmit();
        }
        if (event.target.closest("#nodes")) read();
        show();
    });

    document.addEventListener("htmx:afterSwap", () => {
        for (const box of boxes()) box.checked = chosen.has(box.value);
        read();
        show();
    });

    // Leave empty fields out of the address, which makes it easier to share.
    document.addEventListener("formdata", (event) => {
        if (!event.target.matches("form.filters[method=get]")) return;
        for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
    });

    addEventListener("pageshow", () => {
        read();
        show();
    });
})();

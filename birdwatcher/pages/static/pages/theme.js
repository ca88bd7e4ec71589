"use strict";
// Light, dark, or as the browser is set; stored under the admin's key, so that both look alike.
(() => {
    const KEY = "theme";
    const ORDER = ["auto", "light", "dark"];
    const SIGNS = { auto: "◐", light: "☀", dark: "☾" };
    const root = document.documentElement;

    function chosen() {
        try {
            const kept = localStorage.getItem(KEY);
            return ORDER.includes(kept) ? kept : "auto";
        } catch {
            return "auto"; // the browser refuses storage
        }
    }

    function show(theme) {
        root.dataset.theme = theme;
        const button = document.getElementById("theme");
        if (button) {
            button.querySelector(".sign").textContent = SIGNS[theme];
            button.querySelector(".word").textContent = theme[0].toUpperCase() + theme.slice(1);
            button.title = `Theme: ${theme}`;
            button.ariaLabel = `Theme: ${theme}. Change it.`;
            button.hidden = false;
        }
        document.dispatchEvent(new Event("themechange"));
    }

    function next() {
        const theme = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
        try {
            localStorage.setItem(KEY, theme);
        } catch {
            // Then the choice lasts until the page is left.
        }
        show(theme);
    }

    // Before the page is drawn, so that nothing flashes.
    show(chosen());
    document.addEventListener("DOMContentLoaded", () => {
        show(chosen());
        document.getElementById("theme")?.addEventListener("click", next);
    });
    addEventListener("storage", (event) => {
        if (event.key === KEY) show(chosen());
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(chosen()));
})();

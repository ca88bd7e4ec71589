"use strict";
// Times: the browser's zone for the server, and "3 min ago" kept current.
(() => {
    const UNITS = [["s", 1, 60], ["min", 60, 3600], ["h", 3600, 86400]];
    const DAY = 86400;
    const root = document.documentElement;
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;

    // The same as the server's `ago`.
    function ago(moment, now) {
        const seconds = (now - moment) / 1000;
        const distance = Math.floor(Math.abs(seconds));
        if (distance < 1) return "now";
        const unit = UNITS.find(([, , until]) => distance < until);
        const days = Math.floor(distance / DAY);
        const text = unit
            ? `${Math.floor(distance / unit[1])} ${unit[0]}`
            : `${days.toLocaleString("en")} day${days === 1 ? "" : "s"}`;
        return seconds > 0 ? `${text} ago` : `in ${text}`;
    }

    function refresh() {
        if (document.hidden) return;
        for (const element of document.querySelectorAll("time.moment")) {
            const text = ago(Date.parse(element.dateTime), Date.now());
            if (element.textContent !== text) element.textContent = text;
        }
    }

    function cookie() {
        return document.cookie.split("; ").find((pair) => pair.startsWith("timezone="));
    }

    function adoptOwnZone() {
        if (cookie() || !own) return;
        const secure = location.protocol === "https:" ? "; Secure" : "";
        const kept = `Path=${root.dataset.root}; Max-Age=31536000; SameSite=Lax${secure}`;
        document.cookie = `timezone=${own}; ${kept}`;
        // If cookies are refused, the page would reload for ever.
        if (cookie() && own !== root.dataset.zone && "adoptsZone" in root.dataset) location.reload();
    }

    function offerZones() {
        const list = document.getElementById("zones");
        document.querySelector(".zone")?.addEventListener("toggle", () => {
            if (list.children.length || !Intl.supportedValuesOf) return;
            for (const name of ["UTC", ...Intl.supportedValuesOf("timeZone")]) {
                list.append(new Option(name, name));
            }
        });
        const button = document.getElementById("own-zone");
        if (!button || !own || own === root.dataset.zone) return;
        button.textContent = `This browser's: ${own}`;
        button.hidden = false;
        button.addEventListener("click", () => {
            button.form.elements.zone.value = own;
            button.form.requestSubmit();
        });
    }

    adoptOwnZone();
    offerZones();
    refresh();
    setInterval(refresh, 1000);
    document.addEventListener("visibilitychange", refresh);
    window.birdwatcher = { ...window.birdwatcher, ago };
})();

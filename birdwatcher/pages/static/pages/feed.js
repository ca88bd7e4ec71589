"use strict";
// The live feed: a line for each new bird, the state of the connection, and a button that pauses
// the lines.
(() => {
    const MOST = 50; // lines
    const QUIET = 5000; // ms between two announcements to screen readers
    const feed = document.getElementById("feed");
    const [lines, empty, badge, note, pause, said, line] = [
        "lines", "empty", "state", "note", "pause", "said", "line",
    ].map((name) => document.getElementById(`feed-${name}`));
    const zone = document.documentElement.dataset.zone;
    let paused = false;
    let waiting = [];
    let uncounted = 0; // birds that arrived while paused, and no longer fit into `waiting`
    let unsaid = [];
    let missed = "";

    const clock = new Intl.DateTimeFormat("en-GB", {
        timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
        hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
    });

    // The same as the server's `in_words`: 2026-05-01 08:46:00 BST (Europe/London).
    function inWords(moment) {
        const part = Object.fromEntries(clock.formatToParts(moment).map((it) => [it.type, it.value]));
        const named = part.timeZoneName === zone ? zone : `${part.timeZoneName} (${zone})`;
        const date = `${part.year.padStart(4, "0")}-${part.month}-${part.day}`;
        return `${date} ${part.hour}:${part.minute}:${part.second} ${named}`;
    }

    function address(pattern, key) {
        return pattern.replace("/0/", `/${key}/`);
    }

    function show(bird) {
        const shown = line.content.cloneNode(true);
        const [species, name, node, doubt, time] = [
            ".feed-species", ".feed-name", ".feed-node", ".feed-doubt", "time",
        ].map((selector) => shown.querySelector(selector));
        species.textContent = bird.species;
        species.href = address(feed.dataset.speciesUrl, bird.species_id);
        name.textContent = bird.name;
        node.textContent = bird.node;
        node.href = address(feed.dataset.nodeUrl, bird.node_id);
        doubt.hidden = !bird.doubtful;
        const moment = new Date(bird.timestamp);
        time.dateTime = bird.timestamp;
        time.title = inWords(moment);
        time.textContent = birdwatcher.ago(moment, Date.now());
        shown.firstElementChild.classList.add("feed-new");
        return shown;
    }

    function add(birds) {
        if (!birds.length) return;
        const newest = birds.slice(-MOST).reverse();
        const fragment = document.createDocumentFragment();
        for (const bird of newest) fragment.append(show(bird));
        lines.prepend(fragment);
        while (lines.children.length > MOST) lines.lastElementChild.remove();
        empty.hidden = true;
    }

    function take(birds) {
        unsaid = unsaid.concat(birds).slice(-1000);
        if (!paused) {
            add(birds);
            return;
        }
        waiting = waiting.concat(birds);
        uncounted += Math.max(0, waiting.length - MOST);
        waiting = waiting.slice(-MOST);
        label();
    }

    function label() {
        const count = waiting.length + uncounted;
        pause.setAttribute("aria-pressed", String(paused));
        pause.textContent = paused && count ? `Go on (${count.toLocaleString("en")} new)` : paused ? "Go on" : "Pause";
    }

    function announce() {
        if (paused || !unsaid.length) return;
        const last = unsaid.at(-1);
        const count = unsaid.length === 1 ? "A new bird" : `${unsaid.length} new birds, the last`;
        said.textContent = `${count}: ${last.species}, ${last.name}, at ${last.node}.`;
        unsaid = [];
    }

    const STATES = {
        connecting: ["quiet", () => "connecting"],
        live: ["good", () => "live"],
        away: ["bad", (since) => `reconnecting since ${since}`],
        trouble: ["bad", (since) => `waiting since ${since}`],
        ended: ["quiet", (since) => `ended at ${since}`],
    };

    function tell(state, since, reason) {
        const [tone, word] = STATES[state];
        badge.className = `badge badge-${tone}`;
        badge.textContent = word(inWords(since).slice(11, 19));
        const texts = {
            away: "The connection is lost. The page reconnects by itself; no birds will be missing.",
            trouble: `${reason} Birds will follow when it is back.`,
            ended: `${reason} Load the page again.`,
        };
        note.textContent = texts[state] ?? missed;
        note.hidden = !note.textContent;
        feed.dataset.state = state;
    }

    function miss(count, atLeast) {
        const number = count.toLocaleString("en");
        const many = atLeast ? (count ? `More than ${number}` : "Many") : number;
        missed = `${many} birds came while there was no connection, beside those shown here.`;
    }

    pause.hidden = false;
    pause.addEventListener("click", () => {
        paused = !paused;
        if (!paused) {
            add(waiting);
            waiting = [];
            uncounted = 0;
        }
        label();
    });
    setInterval(announce, QUIET);
    birdwatcher.follow({
        since: Number(feed.dataset.since), onBirds: take, onMissed: miss, onState: tell,
    });
})();

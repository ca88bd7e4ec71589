"use strict";
// Follows the birds on a WebSocket, and reconnects whenever it breaks, without missing any:
// `birdwatcher.follow({ since, node, species, onBirds, onMissed, onState })`.
(() => {
    const SILENCE = 25_000; // ms without a heartbeat, which comes every ten seconds
    const PAUSE = { first: 500, longest: 10_000 }; // ms until the next attempt
    const ENDS = {
        4400: "The address of this page cannot be followed.",
        4401: "You are no longer logged in.",
        4403: "You may no longer see birds.",
    };

    // States: `connecting`, `live`, `away` (no connection), `trouble` (the server has no database),
    // `ended` (no more attempts). `onState` gets the state, its start, and a reason.
    class Following {
        #wanted;
        #latest;
        #socket = null;
        #state = "";
        #tries = 0;
        #timer = 0;
        #heard = 0;

        constructor(wanted) {
            this.#wanted = wanted;
            this.#latest = wanted.since;
            setInterval(() => this.#listen(), 5000);
            addEventListener("online", () => this.#hurry());
            addEventListener("pagehide", () => this.#leave());
            addEventListener("pageshow", (event) => event.persisted && this.#connect());
            document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
            this.#become("connecting");
            this.#connect();
        }

        #become(state, reason = "") {
            if (state === this.#state) return;
            this.#state = state;
            this.#wanted.onState(state, new Date(), reason);
        }

        #address() {
            const query = new URLSearchParams({ since: this.#latest });
            for (const name of ["node", "species"]) {
                if (this.#wanted[name]) query.set(name, this.#wanted[name]);
            }
            const scheme = location.protocol === "https:" ? "wss:" : "ws:";
            const { root } = document.documentElement.dataset;
            return `${scheme}//${location.host}${root}live/birds?${query}`;
        }

        #connect() {
            this.#leave();
            const socket = new WebSocket(this.#address());
            this.#socket = socket;
            this.#heard = Date.now();
            socket.onmessage = (event) => this.#hear(JSON.parse(event.data));
            socket.onclose = (event) => this.#lose(event.code);
        }

        // Ignore all further events of the old connection.
        #leave() {
            clearTimeout(this.#timer);
            if (!this.#socket) return;
            this.#socket.onmessage = this.#socket.onclose = null;
            this.#socket.close();
            this.#socket = null;
        }

        #hear(said) {
            this.#heard = Date.now();
            if (said.type === "trouble") {
                this.#become("trouble", said.reason);
                return;
            }
            this.#tries = 0;
            if (said.type === "birds") {
                const unseen = said.birds.filter((bird) => bird.id > this.#latest);
                if (unseen.length) this.#latest = unseen.at(-1).id;
                this.#wanted.onBirds(unseen);
            } else if (said.type === "missed") {
                this.#wanted.onMissed(said.count, said.at_least);
            } else if (said.type === "heartbeat") {
                // Also if it is lower: then it is another database, with its own keys.
                this.#latest = said.latest;
            }
            this.#become("live");
        }

        #lose(code) {
            this.#leave();
            if (code in ENDS) {
                this.#become("ended", ENDS[code]);
                return;
            }
            this.#become("away");
            // Random, so that not all pages reconnect to a server at the same moment.
            const longest = Math.min(PAUSE.first * 2 ** this.#tries, PAUSE.longest);
            this.#tries += 1;
            this.#timer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
        }

        #listen() {
            if (this.#socket && Date.now() - this.#heard > SILENCE) this.#lose(0);
        }

        #hurry() {
            this.#listen();
            if (this.#state === "away" && !this.#socket) this.#connect();
        }
    }

    window.birdwatcher = { ...window.birdwatcher, follow: (wanted) => new Following(wanted) };
})();

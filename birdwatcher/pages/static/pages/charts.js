"use strict";
// Draws every <canvas data-chart> in the colours of the theme, and again when either changes.
(() => {
    const charts = new Map();
    const still = matchMedia("(prefers-reduced-motion: reduce)");

    function colour(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    }

    function dataset(series, number, type) {
        const own = colour(`--series-${(number % 4) + 1}`);
        return {
            label: series.label,
            data: series.data,
            backgroundColor: own,
            borderColor: own,
            borderWidth: type === "line" ? 2 : 0,
            borderRadius: 2,
            pointRadius: 0,
            pointHitRadius: 12,
            tension: 0.25,
            maxBarThickness: 40,
        };
    }

    function scale(own, stacked) {
        return {
            stacked,
            beginAtZero: true,
            border: { display: false },
            ticks: { color: colour("--muted"), maxRotation: 0, autoSkipPadding: 12, ...own.ticks },
            grid: { color: colour("--line"), ...own.grid },
        };
    }

    function options(chart) {
        const stacked = Boolean(chart.stacked);
        return {
            animation: still.matches ? false : { duration: 250 },
            responsive: true,
            maintainAspectRatio: false,
            interaction: { mode: "index", intersect: false },
            plugins: {
                legend: {
                    display: chart.series.length > 1,
                    align: "end",
                    labels: { color: colour("--text"), boxWidth: 12, boxHeight: 12 },
                },
                tooltip: {
                    backgroundColor: colour("--text"),
                    titleColor: colour("--surface"),
                    bodyColor: colour("--surface"),
                },
            },
            scales: {
                x: scale({ grid: { display: false } }, stacked),
                y: scale({ ticks: { precision: 0, maxTicksLimit: 6 } }, stacked),
            },
        };
    }

    function draw(canvas) {
        charts.get(canvas)?.destroy();
        const chart = JSON.parse(canvas.dataset.chart);
        Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
        charts.set(canvas, new Chart(canvas, {
            type: chart.type,
            data: {
                labels: chart.labels,
                datasets: chart.series.map((series, number) => dataset(series, number, chart.type)),
            },
            options: options(chart),
        }));
    }

    function drawNew() {
        for (const [canvas, chart] of charts) {
            if (!canvas.isConnected) {
                chart.destroy();
                charts.delete(canvas);
            }
        }
        for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
            if (!charts.has(canvas)) draw(canvas);
        }
    }

    drawNew();
    document.addEventListener("htmx:afterSettle", drawNew);
    document.addEventListener("themechange", () => [...charts.keys()].forEach(draw));
})();

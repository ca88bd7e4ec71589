"use strict";
document.querySelectorAll("select.filter-choice").forEach((select) => {
    select.addEventListener("change", () => {
        window.location.search = select.value;
    });
});

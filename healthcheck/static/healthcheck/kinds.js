/* Shows of an endpoint's form what fits the chosen kind. Without it, everything is there, grouped by kind. */
(function () {
  "use strict";

  function fits(element, kind) {
    return element.dataset.hcKinds.split(" ").indexOf(kind) >= 0;
  }

  function isWanted(row, kind) {
    var named = Array.from(row.querySelectorAll("[data-hc-kinds]"));
    // What is refused stays in view, whichever kind it is for.
    return named.some(function (element) { return fits(element, kind); }) || row.querySelector(".errorlist") !== null;
  }

  function show(scope, kind) {
    scope.querySelectorAll(".hc-try[data-hc-kinds]").forEach(function (attempt) {
      attempt.classList.toggle("hc-other-kind", !fits(attempt, kind));
    });
    scope.querySelectorAll("span[data-hc-kinds]").forEach(function (example) {
      example.hidden = !fits(example, kind);
    });
    scope.querySelectorAll("fieldset.module").forEach(function (fieldset) {
      var rows = Array.from(fieldset.querySelectorAll(".form-row"));
      rows.forEach(function (row) {
        if (row.querySelector("[data-hc-kinds]:not(span)")) row.classList.toggle("hc-other-kind", !isWanted(row, kind));
      });
      var isOther = rows.length > 0 && rows.every(function (row) { return row.classList.contains("hc-other-kind"); });
      // A fold goes with what is folded in it.
      (fieldset.closest("details.hc-fold") || fieldset).classList.toggle("hc-other-kind", isOther);
    });
  }

  // What belongs to one endpoint: the largest part of the page in which no other one chooses its kind.
  function findScope(select) {
    var scope = select;
    while (scope.parentElement && scope.parentElement.querySelectorAll("select.hc-kind").length === 1) {
      scope = scope.parentElement;
    }
    return scope;
  }

  function showAll() {
    document.querySelectorAll("select.hc-kind").forEach(function (select) {
      show(findScope(select), select.value);
    });
  }

  document.addEventListener("change", function (event) {
    if (event.target.matches("select.hc-kind")) showAll();
  });
  // The browser refuses to send what is hidden and invalid: show it, so that it can be mended.
  document.addEventListener("invalid", function (event) {
    for (var part = event.target.closest(".hc-other-kind"); part; part = part.closest(".hc-other-kind")) {
      part.classList.remove("hc-other-kind");
    }
    var fold = event.target.closest("details.hc-fold");
    if (fold) fold.open = true;
  }, true);
  document.addEventListener("formset:added", showAll);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", showAll);
  else showAll();
})();

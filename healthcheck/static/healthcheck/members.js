/* Finds endpoints while somebody types and writes the chosen one as a line below. Without it, the lines are typed. */
(function () {
  "use strict";

  var PAUSE_MS = 200;

  function addLine(area, line) {
    var text = area.value.replace(/\s+$/, "");
    area.value = (text ? text + "\n" : "") + line;
    area.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function offer(list, lines) {
    list.replaceChildren.apply(list, lines.map(function (line) {
      var option = document.createElement("option");
      option.value = line;
      return option;
    }));
  }

  function prepare(find) {
    var input = find.querySelector("input"), list = find.querySelector("datalist"), timer = 0, latest = 0;

    function look() {
      var number = ++latest;
      fetch(find.dataset.hcFind + "?q=" + encodeURIComponent(input.value), { credentials: "same-origin" })
        .then(function (answer) { return answer.ok ? answer.json() : { lines: [] }; })
        // What was asked first may be answered last.
        .then(function (found) { if (number === latest) offer(list, found.lines); })
        .catch(function () { offer(list, []); });
    }

    function choose() {
      var isOffered = Array.from(list.options).some(function (option) { return option.value === input.value; });
      if (!isOffered) return false;
      addLine(document.getElementById(find.dataset.hcLines), input.value);
      input.value = "";
      offer(list, []);
      return true;
    }

    input.addEventListener("input", function () {
      clearTimeout(timer);
      if (!choose()) timer = setTimeout(look, PAUSE_MS);
    });
    input.addEventListener("keydown", function (event) {
      // Here it chooses; it must not send the form.
      if (event.key === "Enter") {
        event.preventDefault();
        choose();
      }
    });
    find.hidden = false;
  }

  function prepareAll() {
    document.querySelectorAll("[data-hc-find]").forEach(prepare);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", prepareAll);
  else prepareAll();
})();

/* Follows the desk: fetches its inside every few seconds, while the page is seen and nothing in it is being used. */
(function () {
  "use strict";
  var desk = document.getElementById("hc-desk");
  var heard = document.getElementById("hc-desk-heard");
  if (!desk || !window.fetch) return;
  var timer = 0;

  function isBusy() {
    var selection = document.getSelection();
    return document.hidden || desk.contains(document.activeElement) ||
      (selection && !selection.isCollapsed && desk.contains(selection.anchorNode));
  }

  function readNews() {
    return Array.from(desk.querySelectorAll("h2, .hc-alarms li"), function (part) {
      return part.textContent.trim();
    }).join(" ");
  }

  function swap(inside) {
    var before = readNews();
    desk.innerHTML = inside;
    // Said once, when it changes: what is swapped every few seconds would be read out as often.
    if (heard && readNews() !== before) heard.textContent = readNews();
  }

  function follow() {
    if (isBusy()) return plan();
    fetch(desk.dataset.url, {credentials: "same-origin", redirect: "error"}).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    }).then(function (inside) {
      if (!isBusy()) swap(inside);
      desk.classList.remove("hc-stale");
    }).catch(function () {
      // Somebody who looks at old facts must see that they are old.
      desk.classList.add("hc-stale");
    }).then(plan);
  }

  function plan() {
    window.clearTimeout(timer);
    timer = window.setTimeout(follow, desk.dataset.seconds * 1000);
  }

  plan();
})();

/* Follows the desk: fetches its inside every few seconds, while the page is seen and nothing in it is being used. */
(function () {
  "use strict";
  var desk = document.getElementById("hc-desk");
  if (!desk || !window.fetch) return;

  function isBusy() {
    var selection = document.getSelection();
    return document.hidden || desk.contains(document.activeElement) ||
      (selection && !selection.isCollapsed && desk.contains(selection.anchorNode));
  }

  function follow() {
    if (isBusy()) return plan();
    fetch(desk.dataset.url, {credentials: "same-origin", redirect: "error"}).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    }).then(function (inside) {
      if (!isBusy()) desk.innerHTML = inside;
      desk.classList.remove("hc-stale");
    }).catch(function () {
      // Somebody who looks at old facts must see that they are old.
      desk.classList.add("hc-stale");
    }).then(plan);
  }

  function plan() {
    window.setTimeout(follow, desk.dataset.seconds * 1000);
  }

  plan();
})();

{% load static %}{% static "healthcheck/icon-down.png" as down %}{% static "healthcheck/icon-degraded.png" as degraded %}{% static "healthcheck/icon-unknown.png" as unknown %}{% static "healthcheck/icon-up.png" as up %}/* Shows what is pushed to this browser, and opens what it is about. It controls no page and answers no request. */
(function () {
  "use strict";

  var ICONS = { down: "{{ down|escapejs }}", degraded: "{{ degraded|escapejs }}", unknown: "{{ unknown|escapejs }}", up: "{{ up|escapejs }}" };
  // Below the channels, beside which the incidents are.
  var LIST = new URL("../../incident/", self.registration.scope).href;

  function read(data) {
    try {
      var message = data.json();
      if (message && typeof message.title === "string") return message;
    } catch (error) {
      // A browser that was woken must show something, or it ends the subscription.
    }
    return { title: "{{ title|escapejs }}" };
  }

  function openable(url) {
    try {
      var address = new URL(url);
      return address.protocol === "https:" || address.protocol === "http:" ? address.href : "";
    } catch (error) {
      return "";
    }
  }

  function describe(message) {
    var acknowledge = openable(message.acknowledge_url);
    return {
      body: String(message.body || ""),
      tag: String(message.tag || "{{ title|escapejs }}"),
      // What takes another's place is news all the same.
      renotify: true,
      // An outage stays in view until somebody has seen it.
      requireInteraction: message.state === "down",
      icon: ICONS[message.state] || ICONS.unknown,
      timestamp: Number(message.at_ms) || Date.now(),
      actions: acknowledge ? [{ action: "acknowledge", title: "{{ acknowledge|escapejs }}" }] : [],
      data: { keys: [].concat(message.keys || []), url: openable(message.url) || LIST, acknowledge: acknowledge }
    };
  }

  function closeCovered(options) {
    return self.registration.getNotifications().then(function (shown) {
      shown.forEach(function (each) {
        var keys = (each.data && each.data.keys) || [];
        var isCovered = keys.length && keys.every(function (key) { return options.data.keys.indexOf(key) >= 0; });
        if (isCovered && each.tag !== options.tag) each.close();
      });
    });
  }

  // One after the other: asking for what is shown, while something is being shown, makes Chromium forget that.
  var last = Promise.resolve();

  function tell(message) {
    var options = describe(message);
    function show() { return self.registration.showNotification(message.title, options); }
    last = last.then(function () { return closeCovered(options); }).then(show, show);
    return last;
  }

  function open(url) {
    return self.clients.matchAll({ type: "window", includeUncontrolled: true }).then(function (windows) {
      var there = windows.find(function (each) { return each.url === url; });
      return there ? there.focus() : self.clients.openWindow(url);
    });
  }

  self.addEventListener("install", function () { self.skipWaiting(); });
  self.addEventListener("push", function (event) { event.waitUntil(tell(read(event.data))); });
  self.addEventListener("notificationclick", function (event) {
    var data = event.notification.data || {};
    var url = openable(event.action === "acknowledge" ? data.acknowledge : data.url);
    event.notification.close();
    if (url) event.waitUntil(open(url));
  });
})();

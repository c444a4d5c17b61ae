/* Subscribes this browser to web push and writes the subscription into the form's field. Without it, it is pasted. */
(function () {
  "use strict";

  // As long as this nobody waits for a browser that gives no answer.
  var ACTIVATION_MS = 20000;

  function Trouble(word) {
    this.word = word;
  }

  // A failure of one step, under the name of the sentence that explains it.
  function explain(promise, word) {
    return promise.catch(function (error) {
      if (error instanceof Trouble) throw error;
      throw new Trouble(error && error.name === "NotAllowedError" ? "denied" : word);
    });
  }

  function write64(buffer) {
    var text = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function check() {
    if (!window.isSecureContext) throw new Trouble("insecure");
    var isAble = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
    if (!isAble) throw new Trouble("unable");
  }

  function ask() {
    return Notification.requestPermission().then(function (permission) {
      if (permission !== "granted") throw new Trouble("denied");
    });
  }

  function makeKeys() {
    return crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]).then(function (pair) {
      return Promise.all([
        crypto.subtle.exportKey("raw", pair.publicKey),
        crypto.subtle.exportKey("jwk", pair.privateKey)
      ]);
    }).then(function (keys) {
      return { publicKey: new Uint8Array(keys[0]), privateText: keys[1].d };
    });
  }

  function waitUntilActive(registration) {
    if (registration.active) return registration;
    var worker = registration.installing || registration.waiting;
    return new Promise(function (resolve, reject) {
      var timer = setTimeout(reject, ACTIVATION_MS);
      worker.addEventListener("statechange", function () {
        if (worker.state !== "activated" && worker.state !== "redundant") return;
        clearTimeout(timer);
        if (worker.state === "activated") resolve(registration);
        else reject();
      });
    });
  }

  function subscribe(registration, keys) {
    return registration.pushManager.getSubscription().then(function (former) {
      // It was made for another key, and a browser has one at a time.
      return Promise.resolve(former && former.unsubscribe()).then(function () {
        var options = { userVisibleOnly: true, applicationServerKey: keys.publicKey };
        return registration.pushManager.subscribe(options);
      }).then(function (subscription) {
        return { isAnother: Boolean(former), text: writeField(subscription, keys) };
      });
    });
  }

  function writeField(subscription, keys) {
    return JSON.stringify({
      endpoint: subscription.endpoint,
      keys: { p256dh: write64(subscription.getKey("p256dh")), auth: write64(subscription.getKey("auth")) },
      vapid: keys.privateText
    });
  }

  function useThis(url) {
    return Promise.resolve().then(check).then(function () {
      return explain(ask(), "denied");
    }).then(function () {
      return explain(navigator.serviceWorker.register(url).then(waitUntilActive), "worker");
    }).then(function (registration) {
      return explain(makeKeys().then(function (keys) { return subscribe(registration, keys); }), "away");
    });
  }

  function prepare(part) {
    var button = part.querySelector("button"), said = part.querySelector("[role=status]");
    var field = document.getElementById(part.dataset.hcPushField);

    function say(word) {
      said.textContent = part.dataset["hcPush" + word.charAt(0).toUpperCase() + word.slice(1)];
    }

    button.addEventListener("click", function () {
      button.disabled = true;
      say("waiting");
      useThis(part.dataset.hcPushScript).then(function (made) {
        field.value = made.text;
        field.dispatchEvent(new Event("change", { bubbles: true }));
        say(made.isAnother ? "another" : "done");
      }).catch(function (trouble) {
        say(trouble instanceof Trouble ? trouble.word : "away");
      }).then(function () {
        button.disabled = false;
      });
    });
    part.hidden = false;
  }

  function prepareAll() {
    document.querySelectorAll("[data-hc-push-script]").forEach(prepare);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", prepareAll);
  else prepareAll();
})();

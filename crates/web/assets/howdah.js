// What pages can do besides, where scripts run. Without it every page works all the same.
(() => {
  'use strict';

  // Copy buttons are there only where they work.
  const offerCopies = (root) => {
    if (!navigator.clipboard) return;
    root.querySelectorAll('button[data-copy][hidden]').forEach((button) => { button.hidden = false; });
  };

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('button[data-copy]');
    if (!button) return;
    const words = button.querySelector('span');
    const before = words.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      words.textContent = 'Copied';
    } catch {
      words.textContent = 'Select and copy by hand';
    }
    setTimeout(() => { words.textContent = before; }, 2000);
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method !== 'post') return;
    form.dataset.sent = 'yes';
    form.querySelectorAll('button:not([type=button])').forEach((it) => it.setAttribute('aria-disabled', 'true'));
  });
  // Who comes back by the browser's button may send it again.
  window.addEventListener('pageshow', () => {
    document.querySelectorAll('form[data-sent]').forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll('[aria-disabled]').forEach((it) => it.removeAttribute('aria-disabled'));
    });
  });

  // What is under way counts on between two looks.
  const span = (seconds) => {
    const [count, unit] = seconds < 90 ? [seconds, 'second'] : seconds < 5400 ? [Math.round(seconds / 60), 'minute'] : [Math.round(seconds / 3600), 'hour'];
    return `for ${count} ${unit}${count === 1 ? '' : 's'}`;
  };
  // Corrected by the server's own clock, as the page was told it.
  const told = document.documentElement.dataset.now;
  const ahead = told ? Date.parse(told) - Date.now() : 0;
  setInterval(() => {
    document.querySelectorAll('[data-since]').forEach((it) => {
      it.textContent = span(Math.max(0, Math.round((Date.now() + ahead - Date.parse(it.dataset.since)) / 1000)));
    });
  }, 1000);

  // A live page says when it isn't. (Names of events have htmx' metaCharacter where its manual has colons.)
  const lost = document.getElementById('lost');
  const isLost = (it) => { if (lost) lost.hidden = !it; };
  let leaving = false;
  window.addEventListener('beforeunload', () => { leaving = true; });
  // Signed out, or gone: the page itself says so.
  const isOver = (status) => status === 401 || status === 403 || status === 404;
  document.addEventListener('htmx-sse-error', (event) => {
    if (leaving) return;
    if (isOver(event.detail?.status)) location.reload();
    else isLost(true);
  });
  // A stream that never began is not tried again: the page is loaded once there is something to load.
  let again;
  // Where streams never get through, one reload is enough to know.
  const isFirst = () => {
    if (sessionStorage.getItem('again') === location.pathname) return false;
    sessionStorage.setItem('again', location.pathname);
    return true;
  };
  const loadAgain = () => {
    isLost(true);
    again ??= setInterval(async () => {
      if (document.hidden) return;
      try {
        if ((await fetch(location.href)).ok && isFirst()) location.reload();
      } catch { /* next time */ }
    }, 3000);
  };
  const isOfStream = (event) => event.target.closest?.('[data-hx-sse-connect]');
  document.addEventListener('htmx-response-error', (event) => {
    // A problem's page is no part of another page.
    event.detail.ctx.swap = 'none';
    if (leaving || !isOfStream(event)) return;
    if (isOver(event.detail.ctx.response.status)) location.reload();
    else loadAgain();
  });
  document.addEventListener('htmx-error', (event) => { if (!leaving && isOfStream(event)) loadAgain(); });
  // So it is where a library did not come.
  let begun = !document.querySelector('[data-hx-sse-connect]');
  setTimeout(() => { if (!begun) loadAgain(); }, 10000);
  document.addEventListener('htmx-sse-after-connection', () => {
    begun = true;
    clearInterval(again);
    again = undefined;
    isLost(false);
    sessionStorage.removeItem('again');
  });
  window.addEventListener('offline', () => { if (document.querySelector('[data-hx-sse-connect]')) isLost(true); });
  // Whatever is swapped in: a tab in the background tells how it stands.
  new MutationObserver(() => {
    offerCopies(document);
    const live = document.querySelector('[data-title]');
    if (live && document.title !== live.dataset.title) document.title = live.dataset.title;
  }).observe(document.getElementById('main'), { childList: true, subtree: true });

  // What can't be shown now is asked for again, and loaded only once it is there: nobody is interrupted for nothing.
  const unavailable = document.querySelector('[data-looks-again]');
  if (unavailable) {
    setInterval(async () => {
      try {
        if ((await fetch(location.href)).status !== 503) location.replace(location.href);
      } catch { /* next time */ }
    }, unavailable.dataset.looksAgain * 1000);
  }

  offerCopies(document);
  // Mistakes are read out first.
  document.getElementById('mistakes')?.focus();
})();

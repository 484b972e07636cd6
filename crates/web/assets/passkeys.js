// Passkeys, where scripts run: a button fetches a challenge, has an authenticator answer it, and puts the answer into its form.
(() => {
  'use strict';

  const read = {
    create: (it) => PublicKeyCredential.parseCreationOptionsFromJSON(it),
    get: (it) => PublicKeyCredential.parseRequestOptionsFromJSON(it),
  };
  const isAble = () => Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON);

  // What a browser, or the dashboard, has against it.
  const refusals = {
    NotAllowedError: 'Nothing was done: it was cancelled, took too long, or no passkey for this site was found.',
    InvalidStateError: 'This device has a passkey for you here already.',
    TooMany: 'That was tried too often from here. Wait a quarter of an hour, and try again.',
  };
  const refusal = (name) => refusals[name] ?? 'That did not work. Load the page again, and try once more.';

  const challenge = async (address) => {
    const answer = await fetch(address, { method: 'POST' });
    if (answer.status === 429) throw new DOMException('', 'TooMany');
    // What stands in the way, the page itself says: signed out, the password given too long ago, the sign-in over.
    if (answer.redirected || answer.status === 409) {
      location.reload();
      return undefined;
    }
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    return answer.json();
  };

  // In a form with more to be filled in, the answer is there in place of the code.
  const stand = (part, form) => {
    const code = form.elements.code;
    code.required = false;
    code.closest('.field').hidden = true;
    part.querySelector('button').hidden = true;
    return 'Your passkey has answered. Go on with this form.';
  };

  const ask = async (part, form) => {
    const { passkey: method, address } = part.dataset;
    const asked = await challenge(address);
    if (!asked) return '';
    const credential = await navigator.credentials[method]({ publicKey: read[method](asked) });
    part.querySelector('input').value = JSON.stringify(credential);
    if (!('sends' in part.dataset)) return stand(part, form);
    form.requestSubmit();
    return '';
  };

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-passkey] button');
    if (!button || button.disabled) return;
    const part = button.closest('[data-passkey]');
    const status = part.querySelector('[role=status]');
    // A new one is named first: the device keeps what it has made.
    if (part.dataset.passkey === 'create' && !button.form.reportValidity()) return;
    if (!isAble()) {
      status.textContent = 'This browser is not able to use passkeys here.';
      return;
    }
    button.disabled = true;
    try {
      status.textContent = await ask(part, button.form);
    } catch (error) {
      status.textContent = refusal(error.name);
    }
    button.disabled = false;
  });
})();

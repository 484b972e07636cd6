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
  const refusal = (error) => error.said ?? refusals[error.name] ?? 'That did not work. Load the page again, and try once more.';

  const challenge = async (address) => {
    const answer = await fetch(address, { method: 'POST', headers: { Accept: 'application/json' } });
    if (answer.status === 429) throw new DOMException('', 'TooMany');
    // What stands in the way, the page itself says, or the one that it leads to: signed out, the password given too long ago.
    if (answer.redirected) {
      location.reload();
      return undefined;
    }
    // The page would be the same again, and say nothing.
    if (answer.status === 409) throw Object.assign(new Error('refused'), { said: (await answer.json()).detail });
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
      status.textContent = refusal(error);
    }
    button.disabled = false;
  });

  // Enter in the field that names a new one means its button, too: there is nothing to send before the device has made it.
  document.addEventListener('submit', (event) => {
    const part = event.target.querySelector('[data-passkey=create]');
    if (!part || part.querySelector('input').value) return;
    event.preventDefault();
    part.querySelector('button').click();
  });
})();

import './vendor/simplewebauthn.js';

const { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill, startAuthentication, startRegistration } =
  window.SimpleWebAuthnBrowser;

/**
 * A form that is answered by a passkey:
 *
 *   <form method="post" data-passkey="get" data-passkey-options="/…/passkey/options" data-passkey-failed="…" hidden>
 *     <input type="hidden" name="response"> <p class="error" hidden></p> <button>…</button>
 *
 * `get` logs in, `create` enrols. The options come as JSON by POST, or stand in the attribute itself (`{…}`).
 * The authenticator's answer goes into `response` as JSON and the form is sent as usual. Shown only where it works.
 * With `data-passkey-autofill`, passkeys are offered in the field with `autocomplete="… webauthn"` too.
 */
async function ask(form) {
  const source = form.dataset.passkeyOptions;
  const optionsJSON = source.startsWith('{')
    ? JSON.parse(source)
    : await fetchOptions(source, new FormData(form));
  return form.dataset.passkey === 'create'
    ? startRegistration({ optionsJSON })
    : startAuthentication({ optionsJSON });
}

async function fetchOptions(address, fields) {
  const response = await fetch(address, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams(fields),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error_description);
  return answer;
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  if (!browserSupportsWebAuthn()) continue;
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    const field = form.elements.namedItem('response');
    if (field.value) return;
    event.preventDefault();
    const submitter = event.submitter;
    const error = form.querySelector('.error');
    error.hidden = true;
    try {
      field.value = JSON.stringify(await ask(form));
    } catch {
      error.textContent = form.dataset.passkeyFailed;
      error.hidden = false;
      return;
    }
    form.requestSubmit(submitter);
  });
  if (form.dataset.passkeyAutofill !== undefined) offer(form);
}

/** The button, which asks with a fresh question, ends this offer. */
async function offer(form) {
  if (!(await browserSupportsWebAuthnAutofill())) return;
  try {
    const optionsJSON = await fetchOptions(form.dataset.passkeyOptions, new FormData(form));
    const answer = await startAuthentication({ optionsJSON, useBrowserAutofill: true });
    form.elements.namedItem('response').value = JSON.stringify(answer);
    form.requestSubmit();
  } catch {
    // Nobody asked for it: the button is still there and says what went wrong.
  }
}

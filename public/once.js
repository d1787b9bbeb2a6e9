// A second click on a slow page must not send a form twice. Buttons are not disabled: a disabled button's own
// name and value would be left out of what is sent.
const sent = new WeakSet();

document.addEventListener('submit', (event) => {
  if (sent.has(event.target)) {
    event.preventDefault();
    return;
  }
  // Another listener (the passkey's) may still stop this one.
  queueMicrotask(() => {
    if (event.defaultPrevented) return;
    sent.add(event.target);
    event.submitter?.setAttribute('aria-busy', 'true');
    setTimeout(() => sent.delete(event.target), 10_000);
  });
});

// The page comes back from the browser's memory as it was left.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) for (const form of document.forms) sent.delete(form);
});

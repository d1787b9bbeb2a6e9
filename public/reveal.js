// Lets people look at the password that they type.
for (const control of document.querySelectorAll('.field-reveal')) {
  const input = control.querySelector('input');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'reveal';
  const show = (visible) => {
    input.type = visible ? 'text' : 'password';
    button.textContent = visible ? control.dataset.hide : control.dataset.show;
    button.setAttribute('aria-label', visible ? control.dataset.hideLabel : control.dataset.showLabel);
  };
  button.setAttribute('aria-controls', input.id);
  button.addEventListener('click', () => show(input.type === 'password'));
  // Browsers offer to keep only what was sent from a password field.
  input.form?.addEventListener('submit', () => show(false));
  show(false);
  control.append(button);
}

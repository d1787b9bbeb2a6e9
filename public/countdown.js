// Holds a button (`data-countdown`: seconds) until it is of use. Without script the server says that it is early.
for (const button of document.querySelectorAll('button[data-countdown]')) {
  const label = button.querySelector('span') ?? button;
  const name = label.textContent;
  // An end time, not a count: timers stand still while the phone shows the message with the code.
  const end = performance.now() + Number(button.dataset.countdown) * 1000;
  const tick = () => {
    const seconds = Math.ceil((end - performance.now()) / 1000);
    button.disabled = seconds > 0;
    label.textContent = seconds > 0 ? button.dataset.countdownText.replace('{seconds}', seconds) : name;
    if (seconds > 0) setTimeout(tick, 500);
  };
  tick();
}

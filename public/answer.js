// This page answers a form. Its entry in the history becomes an ordinary one, of the page that the form is on, so that
// Back and reload lead there and send nothing again. By its number entries.js finds what was typed.
const { formAt } = document.getElementById('main').dataset;
history.replaceState({ entry: Math.random() }, '', formAt || location.href);

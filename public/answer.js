// This page answers a form. Its entry in the history becomes an ordinary one, of the page that the form is on, so that
// Back and reload lead there and send nothing again.
const { formAt } = document.getElementById('main').dataset;
history.replaceState(null, '', formAt ?? location.href);

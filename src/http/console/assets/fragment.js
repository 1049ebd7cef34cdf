"use strict";
// Puts the token behind the # of the address, which browsers send to nobody, into the form of the page.
(() => {
  const field = document.querySelector("input[data-fragment]");
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname);
    field.value = token;
  }
  const missing = document.getElementById("no-token");
  if (missing) missing.hidden = field.value !== "";
  if (field.value && field.dataset.fragment === "submit") field.form.requestSubmit();
})();

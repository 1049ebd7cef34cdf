"use strict";
// Posts the fragment's token, which no server log has seen, and goes on. Somebody who is signed in is asked first.
(async () => {
  const api = "/management/v1/auth";
  const byId = (id) => document.getElementById(id);
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  const fail = (why) => {
    byId("state").hidden = true;
    byId("ask").hidden = true;
    byId("why").textContent = why;
    byId("failed").hidden = false;
  };
  const redeem = async () => {
    try {
      const answer = await fetch(api + "/link", {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ token }),
      });
      const body = await answer.json();
      if (!answer.ok) return fail(body.message + ".");
      location.replace(body.next || "/console");
    } catch {
      fail("The server does not answer; is it still running?");
    }
  };
  if (!token) return fail("This address carries no sign-in link.");
  let tenant = null;
  try {
    tenant = (await (await fetch(api + "/session", { credentials: "same-origin" })).json()).tenant;
  } catch {
    return fail("The server does not answer; is it still running?");
  }
  if (!tenant) return redeem();
  byId("who").textContent = tenant.email;
  byId("state").hidden = true;
  byId("ask").hidden = false;
  byId("go").addEventListener("click", redeem);
})();

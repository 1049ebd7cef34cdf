"use strict";
// Shows who is signed in and the projects there are. Text goes in as text, never as HTML.
(async () => {
  const api = "/management/v1";
  const byId = (id) => document.getElementById(id);
  const read = async (path) => {
    const answer = await fetch(api + path, { credentials: "same-origin" });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.message);
    return body;
  };
  let session;
  try {
    session = await read("/auth/session");
  } catch {
    return;
  }
  if (!session.tenant) return;
  byId("nobody").hidden = true;
  byId("somebody").hidden = false;
  byId("name").textContent = session.tenant.name;
  byId("email").textContent = session.tenant.email;
  byId("signout").addEventListener("click", async () => {
    await fetch(api + "/auth/signout", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrfToken },
      body: "{}",
    });
    location.reload();
  });
  try {
    for (const organization of session.organizations) {
      const projects = await read(`/organizations/${organization.id}/projects?limit=100`);
      for (const project of projects.items) {
        const item = document.createElement("li");
        const environments = project.environments.map((e) => e.environment).join(", ");
        item.textContent = `${organization.name} / ${project.name}: ${environments} `;
        const id = document.createElement("code");
        id.textContent = project.id;
        item.append(id);
        byId("projects").append(item);
      }
    }
  } catch (error) {
    byId("trouble").textContent = error.message;
    byId("trouble").hidden = false;
  }
})();

// The explorer page: GraphiQL, the worked examples, and the "acting as" bar above them.
// React, ReactDOM and GraphiQL come as plain scripts (window.React, …), graphql-ws as a module.

import { demoAccounts, demoPassword, examples } from "./examples.js";

const ENDPOINT = "/graphql";
const OTHER = "other";
const ACCOUNT_KEY = "souk:account";
const SIGN_IN = `mutation SignIn($input: LoginInput!) {
  login(input: $input) {
    ... on LoginPayload { accessToken accessTokenExpiresAt user { email fullname role } }
    ... on UserError { code message }
  }
}`;
// Close codes of a server that refuses or ends a socket because of its account.
const REFUSED_CODES = new Set([4401, 4403]);
// Close codes after which trying again makes sense: the server restarts, or the network went away.
const LOST_CODES = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014]);

const element = (id) => document.getElementById(id);

// --- what is shown in the notice line ----------------------------------------

// One notice at a time; `kind` lets the cause take back its own notice and no other's.
let noticeKind = null;

function notify(kind, text, { offerSignIn = false } = {}) {
  noticeKind = kind;
  element("notice-text").textContent = text;
  element("again").hidden = !offerSignIn;
  element("dismiss").hidden = false;
}

function clearNotice(kind = noticeKind) {
  if (kind !== noticeKind) return;
  noticeKind = null;
  element("notice-text").textContent = "";
  element("again").hidden = true;
  element("dismiss").hidden = true;
}

// --- the account this window acts as --------------------------------------------

// In sessionStorage, so that each window has its own: three windows can be a seller and two bidders.
// Only the token and whose it is are kept, never a password.
let account = null; // { token, expiresAt, email, fullname, role } or null for anonymous
let lastEmail = null; // whom "Sign in again" is for
let expiryTimer;

function restoreAccount() {
  try {
    return JSON.parse(sessionStorage.getItem(ACCOUNT_KEY));
  } catch {
    return null;
  }
}

function setAccount(next) {
  account = next;
  try {
    if (next) sessionStorage.setItem(ACCOUNT_KEY, JSON.stringify(next));
    else sessionStorage.removeItem(ACCOUNT_KEY);
  } catch {
    // A browser that keeps nothing: the account then lasts until the page is left.
  }
  clearTimeout(expiryTimer);
  if (next) {
    lastEmail = next.email;
    const left = Date.parse(next.expiresAt) - Date.now();
    if (Number.isFinite(left)) expiryTimer = setTimeout(tellExpired, Math.min(Math.max(left, 0), 2 ** 31 - 1));
  }
  element("account").textContent = next ? `${next.fullname} (${next.email}, ${next.role})` : "anonymous";
  element("sign-out").hidden = !next;
}

function tellExpired() {
  notify("account", `The sign-in of ${account.email} has ended.`, { offerSignIn: true });
}

// An answer said UNAUTHENTICATED to the bar's own token, or to no token at all.
function refused() {
  if (account) tellExpired();
  else notify("account", "This needs an account: choose one above and press “Sign in”.");
}

async function signIn(email, password) {
  let answer;
  try {
    answer = await post({ query: SIGN_IN, operationName: "SignIn", variables: { input: { email, password } } });
  } catch (error) {
    return `Not signed in. ${error.message}`;
  }
  const login = answer.data?.login;
  if (!login?.accessToken) {
    const why = login?.message ?? answer.errors?.[0]?.message ?? "The server gave no token.";
    const demo = demoAccounts.some((each) => each.email === email);
    return `Not signed in as ${email}. ${why}${demo ? " The demo accounts exist on a development server only." : ""}`;
  }
  const { accessToken, accessTokenExpiresAt, user } = login;
  changeAccount({ token: accessToken, expiresAt: accessTokenExpiresAt, ...user });
  return null;
}

// Whoever is signed in decides what the API shows, so open subscriptions end and the schema is read again.
function changeAccount(next) {
  setAccount(next);
  clearNotice();
  socket.dispose();
  socket = openSocket();
  render();
}

// --- talking to Souk --------------------------------------------------------------

async function post(body, headers = {}) {
  let response;
  try {
    response = await fetch(ENDPOINT, {
      method: "POST",
      // No cookies: they would be one account for all windows, whatever the bar says.
      credentials: "omit",
      headers: {
        accept: "application/graphql-response+json, application/json",
        "content-type": "application/json",
        ...headers,
      },
      body: JSON.stringify(body),
    });
  } catch {
    const text = `Souk cannot be reached at ${ENDPOINT}. Is the server running?`;
    notify("server", text);
    throw new Error(text);
  }
  clearNotice("server");
  try {
    return await response.json();
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText} without JSON.`);
  }
}

const isUnauthenticated = (answer) =>
  Boolean(answer?.errors?.some?.((error) => error.extensions?.code === "UNAUTHENTICATED"));

const failure = (message) => ({ errors: [{ message }] });

const authorization = () => (account ? { Authorization: `Bearer ${account.token}` } : {});

const hasOwnAuthorization = (headers) => Object.keys(headers).some((name) => name.toLowerCase() === "authorization");

function isSubscription(documentAST, operationName) {
  const operations = documentAST?.definitions.filter((each) => each.kind === "OperationDefinition") ?? [];
  const operation = operations.find((each) => each.name?.value === operationName) ?? operations[0];
  return operation?.operation === "subscription";
}

let createClient;
let socket;

// Lazy: the socket opens with the first subscription and closes with the last.
function openSocket() {
  return createClient({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${ENDPOINT}`,
    connectionParams: authorization,
    shouldRetry: (event) => LOST_CODES.has(event?.code),
    on: {
      connected: (_socket, _payload, wasRetry) => {
        if (!wasRetry) clearNotice("socket");
        else notify("socket", "The live connection is back. For what happened in between, run the subscription again with the last cursor in “after”.");
      },
      closed: (event) => {
        if (REFUSED_CODES.has(event.code)) refused();
        else if (LOST_CODES.has(event.code)) notify("socket", "The live connection was lost; trying again.");
      },
    },
  });
}

// graphql-ws reports an Error, the close of the socket, or a list of GraphQL errors.
function asAnswer(error) {
  if (Array.isArray(error)) return { errors: error };
  if (error instanceof Error) return failure(error.message);
  return failure(`The socket was closed: ${error?.code ?? "unknown"} ${error?.reason ?? ""}`.trim());
}

function subscribe(params) {
  const client = socket;
  return {
    subscribe(observer) {
      const stop = client.subscribe(params, {
        next: (answer) => {
          if (isUnauthenticated(answer)) refused();
          observer.next(answer);
        },
        error: (error) => {
          const answer = asAnswer(error);
          if (LOST_CODES.has(error?.code)) notify("socket", "The live connection could not be kept. Is the server running?");
          if (isUnauthenticated(answer)) refused();
          observer.next(answer);
          observer.complete();
        },
        complete: () => observer.complete(),
      });
      return { unsubscribe: stop };
    },
  };
}

// A new function each time the account changes: GraphiQL takes that as the sign to read the schema again.
const makeFetcher = () => async (params, { headers, documentAST } = {}) => {
  if (isSubscription(documentAST, params.operationName)) return subscribe(params);
  const own = headers ?? {};
  // What the viewer types into the headers editor goes before the bar's account.
  const typedOwn = hasOwnAuthorization(own);
  try {
    const answer = await post(params, typedOwn ? own : { ...authorization(), ...own });
    if (!typedOwn) {
      if (isUnauthenticated(answer)) refused();
      else if (!account) clearNotice("account");
    }
    return answer;
  } catch (error) {
    return failure(error.message);
  }
};

// --- GraphiQL and its tabs ------------------------------------------------------------

const PREFIX = "graphiql:";
const TAB_KEYS = ["tabState", "query", "variables", "headers", "operationName"].map((key) => PREFIX + key);

// Each window keeps its own tabs over a reload; what was written last is where a new window starts.
function makeStorage() {
  try {
    const seeded = sessionStorage.getItem(`${PREFIX}tabState`) !== null;
    for (const key of Object.keys(localStorage)) {
      if (!seeded && key.startsWith(PREFIX)) sessionStorage.setItem(key, localStorage.getItem(key));
    }
    agreeOnActiveTab();
  } catch {
    return null; // A browser that keeps nothing: GraphiQL then keeps nothing either.
  }
  const own = (store) => Object.keys(store).filter((key) => key.startsWith(PREFIX));
  return {
    getItem: (key) => sessionStorage.getItem(key),
    setItem: (key, value) => {
      sessionStorage.setItem(key, value);
      localStorage.setItem(key, value);
    },
    removeItem: (key) => {
      sessionStorage.removeItem(key);
      localStorage.removeItem(key);
    },
    clear: () => {
      for (const store of [sessionStorage, localStorage]) for (const key of own(store)) store.removeItem(key);
    },
    get length() {
      return own(sessionStorage).length;
    },
  };
}

// GraphiQL keeps the text of the open tab twice, and adds a tab when the two differ, as they do when two windows
// wrote in turn or the page was left within the half second before a save. The tabs count.
function agreeOnActiveTab() {
  const stored = sessionStorage.getItem(`${PREFIX}tabState`);
  if (!stored) return;
  const { tabs, activeTabIndex } = JSON.parse(stored);
  const active = tabs[activeTabIndex] ?? {};
  for (const key of ["query", "variables", "headers", "operationName"]) {
    if (typeof active[key] === "string") sessionStorage.setItem(PREFIX + key, active[key]);
    else sessionStorage.removeItem(PREFIX + key);
  }
}

// Lines short enough for the editor's half of a window.
function asComment(text, width = 54) {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    if (lines.at(-1).length + word.length >= width) lines.push("");
    lines[lines.length - 1] += ` ${word}`;
  }
  return lines.map((line) => `#${line}`).join("\n");
}

function asTab({ title, note, query, variables, headers }, index) {
  return {
    query: `${asComment(`${index + 1}. ${title}`)}\n#\n${asComment(note)}\n\n${query}\n`,
    variables: variables ? JSON.stringify(variables, null, 2) : null,
    headers: headers ? JSON.stringify(headers, null, 2) : null,
  };
}

let root;
let storage;
let generation = 0; // A new key makes React build GraphiQL anew.

const tabs = examples.map(asTab);

function render() {
  // GraphiQL takes the query of the first tab from defaultTabs, but its variables only from the storage.
  if (storage && !storage.getItem(`${PREFIX}tabState`)) storage.setItem(`${PREFIX}variables`, tabs[0].variables ?? "");
  root.render(
    React.createElement(GraphiQL, {
      key: generation,
      fetcher: makeFetcher(),
      defaultTabs: tabs,
      defaultEditorToolsVisibility: true,
      shouldPersistHeaders: false,
      storage,
    }),
  );
}

// The text areas of GraphiQL's editors have no name of their own for a screen reader.
const EDITORS = {
  ".graphiql-query-editor textarea": "Query",
  ".graphiql-editor-tool .graphiql-editor:nth-child(1) textarea": "Variables",
  ".graphiql-editor-tool .graphiql-editor:nth-child(2) textarea": "Headers",
  ".graphiql-response textarea": "Response",
};
const nameEditors = new MutationObserver(() => {
  const found = Object.entries(EDITORS).map(([selector, label]) => {
    const area = element("graphiql").querySelector(selector);
    area?.setAttribute("aria-label", label);
    return area;
  });
  if (found.every(Boolean)) nameEditors.disconnect();
});

function resetExamples() {
  if (!confirm("Put the worked examples back? Your own tabs and edits are lost.")) return;
  for (const key of TAB_KEYS) storage?.removeItem(key);
  generation += 1;
  nameEditors.observe(element("graphiql"), { childList: true, subtree: true });
  render();
}

// --- the bar ------------------------------------------------------------------------------

function fillChoices() {
  const choices = [
    ...demoAccounts.map(({ email, label }) => [email, label]),
    [OTHER, "another account …"],
  ];
  element("choice").append(...choices.map(([value, label]) => new Option(label, value)));
}

function showCredentials() {
  const other = element("choice").value === OTHER;
  element("credentials").hidden = !other;
  element("email").required = other;
  element("password").required = other;
}

function chooseAccount(email) {
  element("choice").value = demoAccounts.some((each) => each.email === email) ? email : OTHER;
  showCredentials();
}

async function submitAccount() {
  const choice = element("choice").value;
  const button = element("sign-in");
  const [email, password] =
    choice === OTHER ? [element("email").value.trim(), element("password").value] : [choice, demoPassword];
  button.disabled = true;
  const problem = await signIn(email, password);
  button.disabled = false;
  element("password").value = "";
  if (problem) notify("account", problem);
}

function signInAgain() {
  chooseAccount(lastEmail);
  if (element("choice").value === OTHER) {
    element("email").value = lastEmail;
    element("password").focus();
  } else {
    element("sign-in").focus();
    submitAccount();
  }
}

function wireBar() {
  fillChoices();
  showCredentials();
  element("choice").addEventListener("change", showCredentials);
  element("account-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submitAccount();
  });
  element("sign-out").addEventListener("click", () => {
    changeAccount(null);
    element("choice").focus();
  });
  element("again").addEventListener("click", signInAgain);
  element("dismiss").addEventListener("click", () => {
    clearNotice();
    element("choice").focus();
  });
  element("reset").addEventListener("click", resetExamples);
  // Hidden until now: without this script a form would send a password where nothing awaits it.
  element("account-form").hidden = false;
  element("reset").hidden = false;
}

// --- start ------------------------------------------------------------------------------------

async function start() {
  try {
    ({ createClient } = await import("./graphql-ws/client.js"));
  } catch {
    return;
  }
  if (!window.React || !window.ReactDOM || !window.GraphiQL) return;
  wireBar();
  setAccount(restoreAccount());
  if (account) chooseAccount(account.email);
  socket = openSocket();
  storage = makeStorage();
  root = ReactDOM.createRoot(element("graphiql"));
  nameEditors.observe(element("graphiql"), { childList: true, subtree: true });
  render();
}

start();

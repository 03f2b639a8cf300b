// What the control surface takes and shows, in the words of JavaScript.

/** How a sandbox behaves. Durations are milliseconds. */
export interface SandboxOptions {
  /** Least time between two polls of a device code. Tests start with 1000, Parallel has 5000. */
  interval?: number | undefined;
  /** What a `slow_down` adds to it (5000). */
  slowDownStep?: number | undefined;
  /** Life of a device code (600,000). */
  expiresIn?: number | undefined;
  /** Life of an access token (3,600,000). */
  accessTokenLifetime?: number | undefined;
  /** Life of a refresh token (30 days). */
  refreshTokenLifetime?: number | undefined;
  /** Life of a grant: nothing can be refreshed after it (90 days). */
  authorizationLifetime?: number | undefined;
  /** For how long a used refresh token is still accepted (0: reuse revokes its family). */
  grace?: number | undefined;
  /** Approve each login after so long, without anybody asking (null: never). */
  approveAfter?: number | null | undefined;
  /** The organization of approvals that name none (`org_sandbox`). */
  orgId?: string | undefined;
  /** Its name (`Sandbox Inc.`). */
  orgName?: string | undefined;
  /** What an organization starts with (5000). */
  startingBalanceCents?: number | undefined;
  /** How long a task run of the data API takes (100). */
  taskDuration?: number | undefined;
}

/** Whether an option is a duration, which the program takes in seconds. */
const OPTIONS: Record<keyof SandboxOptions, boolean> = {
  interval: true,
  slowDownStep: true,
  expiresIn: true,
  accessTokenLifetime: true,
  refreshTokenLifetime: true,
  authorizationLifetime: true,
  grace: true,
  approveAfter: true,
  orgId: false,
  orgName: false,
  startingBalanceCents: false,
  taskDuration: true,
};

/** Options under the names, and in the units, of the program. */
export function programOptions(options: SandboxOptions): Record<string, unknown> {
  const named = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    named.map(([name, value]) => {
      if (!Object.hasOwn(OPTIONS, name)) throw new TypeError(`A sandbox has no option ${name}.`);
      const isDuration = OPTIONS[name as keyof SandboxOptions] && typeof value === 'number';
      return [snake(name), isDuration ? value / 1000 : value];
    }),
  );
}

/** What happens to the next requests of a route. */
export interface Fault {
  /** How many requests it hits (1). */
  times?: number;
  /** How many requests of the route pass before it (0). */
  skip?: number;
  /** Answer with this status instead of processing the request. */
  status?: number;
  /** Headers of that answer. */
  headers?: Record<string, string>;
  /** Body of that answer: a string as it is, anything else as JSON. */
  body?: unknown;
  /** Milliseconds to wait before the request is processed. */
  delayMs?: number;
  /** Milliseconds to wait between processing the request and answering it. */
  delayAnswerMs?: number;
  /** Reset the connection before or after processing the request. */
  reset?: 'before' | 'after';
  /** Process the request, then close the connection without an answer. */
  dropAnswerAfterProcessing?: boolean;
  /** Process the request, then send half of the answer and close. */
  truncate?: boolean;
}

/** What a test can change of an organization. */
export interface OrganizationChange {
  orgName?: string;
  creditBalanceCents?: number;
  pendingDebitBalanceCents?: number;
  /** Billed by invoice: adding to the balance rejects with `PaymentRequiredError`. */
  willInvoice?: boolean;
  /** Adding to the balance rejects with `PaymentRequiredError`. */
  cardDeclined?: boolean;
  /** Creating a key rejects with `PermissionDeniedError`. */
  keysForbidden?: boolean;
  /** Answers to creating a key lack the key. */
  rawApiKeyWithheld?: boolean;
}

/** An app of an organization. */
export interface AppState {
  appId: string;
  appName: string;
  /** IDs of its keys. */
  keys: string[];
}

/** An organization as it is. */
export interface OrganizationState extends Required<OrganizationChange> {
  orgId: string;
  /** How many charges went through. */
  charges: number;
  apps: AppState[];
}

/** A key that is alive. */
export interface KeyState {
  apiKeyId: string;
  apiKeyName: string;
  appId: string;
  appName: string;
  orgId: string;
  /** Its fingerprint: the first 8 hex digits of its SHA-256. */
  rawApiKey: string;
}

/** A device code. */
export interface DeviceCodeState {
  userCode: string;
  /** Its fingerprint. */
  deviceCode: string;
  clientId: string;
  clientName: string | null;
  scopes: string[];
  state: 'pending' | 'approved' | 'denied' | 'expired' | 'used';
  polls: number;
  secondsLeft: number;
}

/** A request that the sandbox received. Secrets are shown as fingerprints. */
export interface ReceivedRequest {
  number: number;
  /** Milliseconds since the last reset. */
  atMs: number;
  route: string;
  method: string;
  path: string;
  query: string | null;
  contentType: string | null;
  accept: string | null;
  userAgent: string | null;
  bearer: string | null;
  apiKey: string | null;
  form: Record<string, string> | null;
  json: unknown;
  /** null: not answered yet, or not with a status. */
  status: number | null;
  /** How a fault ended the connection. */
  fault: string | null;
}

/** How much was asked. */
export interface Counts {
  /** Requests by route. */
  routes: Record<string, number>;
  /** Grants, each with the tokens that descend from it. */
  families: number;
  familiesRevoked: number;
  /** How often a used refresh token came again. */
  refreshTokenReuses: number;
}

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string) =>
  name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** An object with its own names as the program has them; undefined ones are left out. */
export function toProgram(values: object): Record<string, unknown> {
  const named = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(named.map(([name, value]) => [snake(name), value]));
}

/** An object of the program with its own names as JavaScript has them. */
export function fromProgram<T>(values: object): T {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [camel(name), value]),
  ) as T;
}

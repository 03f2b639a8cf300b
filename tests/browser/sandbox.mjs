// A sandbox process, and the client's side of a login against it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const CLIENT_NAME = 'Harbour Tools';
const SCOPE = 'balance:read balance:add apps:read keys:create';

export async function startSandbox() {
  const child = spawn(process.env.PARALLEL_ACCOUNT_SANDBOX, ['--interval', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  const { platform_url, control_url } = JSON.parse(line);

  async function post(url, body) {
    const form = body instanceof URLSearchParams;
    const response = await fetch(url, {
      method: 'POST',
      headers: form ? {} : { 'content-type': 'application/json' },
      body: form ? body : JSON.stringify(body),
    });
    return response.json();
  }

  return {
    pageUrl: `${platform_url}/device`,
    control: (route, body = {}) => post(`${control_url}/${route}`, body),
    // A new device code, with a way to poll it.
    async login() {
      const register = `${platform_url}/getServiceKeys/register`;
      const { client_id } = await post(register, { client_name: CLIENT_NAME, platform: {} });
      const form = new URLSearchParams({ client_id, scope: SCOPE });
      const device = await post(`${platform_url}/getServiceKeys/device/code`, form);
      const poll = () =>
        post(
          `${platform_url}/getServiceKeys/token`,
          new URLSearchParams({
            grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
            client_id,
            device_code: device.device_code,
          }),
        );
      return { ...device, poll };
    },
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

export { CLIENT_NAME };

// `node server.js`: the service with each user's login in a file of its own below ./logins.

import { createHash } from 'node:crypto';
import { FileStore } from 'parallel-account';
import { buildApp } from './app.js';

const nameOf = (user) => createHash('sha256').update(user).digest('hex');
const app = buildApp((user) => new FileStore(`./logins/${nameOf(user)}.json`));
console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080) }));

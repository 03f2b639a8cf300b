// Compiled, never run: the same for `require`.

import stores = require('parallel-account/stores');

export const schema: string = stores.PostgresStore.schema;

const { AccountClient, AccountError } = require('parallel-account');
const { RedisStore } = require('parallel-account/stores');

module.exports = { AccountClient, AccountError, RedisStore };

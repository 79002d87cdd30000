// PostGraphile 4 on the tables of DATABASE_URL, with the options that its documentation recommends
// for production. Serves POST /graphql on PORT.
"use strict";
const http = require("node:http");
const { Pool } = require("pg");
const { postgraphile } = require("postgraphile");
const simplify = require("@graphile-contrib/pg-simplify-inflector");

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10, min: 10 });
const middleware = postgraphile(pool, "public", {
  appendPlugins: [simplify],
  simpleCollections: "only",
  graphileBuildOptions: { pgOmitListSuffix: true },
  legacyRelations: "omit",
  disableDefaultMutations: true,
  dynamicJson: true,
  setofFunctionsContainNulls: false,
  ignoreRBAC: false,
  ignoreIndexes: true,
  extendedErrors: ["errcode"],
  retryOnInitFail: true,
  graphiql: false,
  disableQueryLog: true,
  enableQueryBatching: true,
});
http.createServer(middleware).listen(Number(process.env.PORT), "127.0.0.1");

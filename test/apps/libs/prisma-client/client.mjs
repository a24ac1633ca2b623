var __defProp = Object.defineProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};

// esm/client.ts
import * as path from "node:path";
import { fileURLToPath } from "node:url";

// esm/internal/class.ts
import * as runtime from "@prisma/client/runtime/client";
var config = {
  "previewFeatures": [],
  "clientVersion": "7.10.1",
  "engineVersion": "d1b3f377ca835d73fd50954a5e22128b9ebdd6b8",
  "activeProvider": "postgresql",
  "inlineSchema": '// client.cjs and client.mjs are the client that Prisma 7 generates of this, bundled by\n// `esbuild --bundle --packages=external --platform=node` in each format. Generating needs the package\n// `prisma` (230 MB) and no engine, though its command line wants to be shown one:\n// PRISMA_SCHEMA_ENGINE_BINARY=/bin/true prisma generate\ngenerator esm {\n  provider     = "prisma-client"\n  output       = "./esm"\n  moduleFormat = "esm"\n}\n\ngenerator cjs {\n  provider     = "prisma-client"\n  output       = "./cjs"\n  moduleFormat = "cjs"\n}\n\ndatasource db {\n  provider = "postgresql"\n}\n\nenum Role {\n  ADMIN\n  USER\n}\n\nmodel User {\n  id    Int    @id @default(autoincrement())\n  email String @unique\n  role  Role   @default(USER)\n  posts Post[]\n}\n\nmodel Post {\n  id       Int    @id @default(autoincrement())\n  title    String\n  author   User   @relation(fields: [authorId], references: [id])\n  authorId Int\n}\n',
  "runtimeDataModel": {
    "models": {},
    "enums": {},
    "types": {}
  },
  "parameterizationSchema": {
    "strings": [],
    "graph": ""
  }
};
config.runtimeDataModel = JSON.parse('{"models":{"User":{"fields":[{"name":"id","kind":"scalar","type":"Int"},{"name":"email","kind":"scalar","type":"String"},{"name":"role","kind":"enum","type":"Role"},{"name":"posts","kind":"object","type":"Post","relationName":"PostToUser"}],"dbName":null,"schema":null},"Post":{"fields":[{"name":"id","kind":"scalar","type":"Int"},{"name":"title","kind":"scalar","type":"String"},{"name":"author","kind":"object","type":"User","relationName":"PostToUser"},{"name":"authorId","kind":"scalar","type":"Int"}],"dbName":null,"schema":null}},"enums":{},"types":{}}');
config.parameterizationSchema = {
  strings: JSON.parse('["where","orderBy","cursor","author","posts","_count","User.findUnique","User.findUniqueOrThrow","User.findFirst","User.findFirstOrThrow","User.findMany","data","User.createOne","User.createMany","User.createManyAndReturn","User.updateOne","User.updateMany","User.updateManyAndReturn","create","update","User.upsertOne","User.deleteOne","User.deleteMany","having","_avg","_sum","_min","_max","User.groupBy","User.aggregate","Post.findUnique","Post.findUniqueOrThrow","Post.findFirst","Post.findFirstOrThrow","Post.findMany","Post.createOne","Post.createMany","Post.createManyAndReturn","Post.updateOne","Post.updateMany","Post.updateManyAndReturn","Post.upsertOne","Post.deleteOne","Post.deleteMany","Post.groupBy","Post.aggregate","AND","OR","NOT","id","title","authorId","equals","in","notIn","lt","lte","gt","gte","contains","startsWith","endsWith","not","email","Role","role","every","some","none","is","isNot","connectOrCreate","upsert","createMany","set","disconnect","delete","connect","updateMany","deleteMany","increment","decrement","multiply","divide"]'),
  graph: "bBYgBwQAAEUAIC4AAEEAMC8AAAkAEDAAAEEAMDECAAAAAT8BAAAAAUEAAERBIgEAAAABACAHAwAARwAgLgAARgAwLwAAAwAQMAAARgAwMQIAQgAhMgEAQwAhMwIAQgAhAQMAAGYAIAcDAABHACAuAABGADAvAAADABAwAABGADAxAgAAAAEyAQBDACEzAgBCACEDAAAAAwAgAQAABAAwAgAABQAgAQAAAAMAIAEAAAABACAHBAAARQAgLgAAQQAwLwAACQAQMAAAQQAwMQIAQgAhPwEAQwAhQQAAREEiAQQAAGUAIAMAAAAJACABAAAKADACAAABACADAAAACQAgAQAACgAwAgAAAQAgAwAAAAkAIAEAAAoAMAIAAAEAIAQEAABkACAxAgAAAAE_AQAAAAFBAAAAQQIBCwAADgAgAzECAAAAAT8BAAAAAUEAAABBAgELAAAQADABCwAAEAAwBAQAAFcAIDECAE4AIT8BAE0AIUEAAFZBIgIAAAABACALAAATACADMQIATgAhPwEATQAhQQAAVkEiAgAAAAkAIAsAABUAIAIAAAAJACALAAAVACADAAAAAQAgEgAADgAgEwAAEwAgAQAAAAEAIAEAAAAJACAFBQAAUQAgGAAAUgAgGQAAVQAgGgAAVAAgGwAAUwAgBi4AAD0AMC8AABwAEDAAAD0AMDECADYAIT8BADcAIUEAAD5BIgMAAAAJACABAAAbADAXAAAcACADAAAACQAgAQAACgAwAgAAAQAgAQAAAAUAIAEAAAAFACADAAAAAwAgAQAABAAwAgAABQAgAwAAAAMAIAEAAAQAMAIAAAUAIAMAAAADACABAAAEADACAAAFACAEAwAAUAAgMQIAAAABMgEAAAABMwIAAAABAQsAACQAIAMxAgAAAAEyAQAAAAEzAgAAAAEBCwAAJgAwAQsAACYAMAQDAABPACAxAgBOACEyAQBNACEzAgBOACECAAAABQAgCwAAKQAgAzECAE4AITIBAE0AITMCAE4AIQIAAAADACALAAArACACAAAAAwAgCwAAKwAgAwAAAAUAIBIAACQAIBMAACkAIAEAAAAFACABAAAAAwAgBQUAAEgAIBgAAEkAIBkAAEwAIBoAAEsAIBsAAEoAIAYuAAA1ADAvAAAyABAwAAA1ADAxAgA2ACEyAQA3ACEzAgA2ACEDAAAAAwAgAQAAMQAwFwAAMgAgAwAAAAMAIAEAAAQAMAIAAAUAIAYuAAA1ADAvAAAyABAwAAA1ADAxAgA2ACEyAQA3ACEzAgA2ACENBQAAOQAgGAAAPAAgGQAAOQAgGgAAOQAgGwAAOQAgNAIAAAABNQIAAAAENgIAAAAENwIAAAABOAIAAAABOQIAAAABOgIAAAABPgIAOwAhDgUAADkAIBoAADoAIBsAADoAIDQBAAAAATUBAAAABDYBAAAABDcBAAAAATgBAAAAATkBAAAAAToBAAAAATsBAAAAATwBAAAAAT0BAAAAAT4BADgAIQ4FAAA5ACAaAAA6ACAbAAA6ACA0AQAAAAE1AQAAAAQ2AQAAAAQ3AQAAAAE4AQAAAAE5AQAAAAE6AQAAAAE7AQAAAAE8AQAAAAE9AQAAAAE-AQA4ACEINAIAAAABNQIAAAAENgIAAAAENwIAAAABOAIAAAABOQIAAAABOgIAAAABPgIAOQAhCzQBAAAAATUBAAAABDYBAAAABDcBAAAAATgBAAAAATkBAAAAAToBAAAAATsBAAAAATwBAAAAAT0BAAAAAT4BADoAIQ0FAAA5ACAYAAA8ACAZAAA5ACAaAAA5ACAbAAA5ACA0AgAAAAE1AgAAAAQ2AgAAAAQ3AgAAAAE4AgAAAAE5AgAAAAE6AgAAAAE-AgA7ACEINAgAAAABNQgAAAAENggAAAAENwgAAAABOAgAAAABOQgAAAABOggAAAABPggAPAAhBi4AAD0AMC8AABwAEDAAAD0AMDECADYAIT8BADcAIUEAAD5BIgcFAAA5ACAaAABAACAbAABAACA0AAAAQQI1AAAAQQg2AAAAQQg-AAA_QSIHBQAAOQAgGgAAQAAgGwAAQAAgNAAAAEECNQAAAEEINgAAAEEIPgAAP0EiBDQAAABBAjUAAABBCDYAAABBCD4AAEBBIgcEAABFACAuAABBADAvAAAJABAwAABBADAxAgBCACE_AQBDACFBAABEQSIINAIAAAABNQIAAAAENgIAAAAENwIAAAABOAIAAAABOQIAAAABOgIAAAABPgIAOQAhCzQBAAAAATUBAAAABDYBAAAABDcBAAAAATgBAAAAATkBAAAAAToBAAAAATsBAAAAATwBAAAAAT0BAAAAAT4BADoAIQQ0AAAAQQI1AAAAQQg2AAAAQQg-AABAQSIDQgAAAwAgQwAAAwAgRAAAAwAgBwMAAEcAIC4AAEYAMC8AAAMAEDAAAEYAMDECAEIAITIBAEMAITMCAEIAIQkEAABFACAuAABBADAvAAAJABAwAABBADAxAgBCACE_AQBDACFBAABEQSJFAAAJACBGAAAJACAAAAAAAAFKAQAAAAEFSgIAAAABUAIAAAABUQIAAAABUgIAAAABUwIAAAABBRIAAGgAIBMAAGsAIEcAAGkAIEgAAGoAIE0AAAEAIAMSAABoACBHAABpACBNAAABACAAAAAAAAFKAAAAQQILEgAAWAAwEwAAXQAwRwAAWQAwSAAAWgAwSQAAWwAgSgAAXAAwSwAAXAAwTAAAXAAwTQAAXAAwTgAAXgAwTwAAXwAwAjECAAAAATIBAAAAAQIAAAAFACASAABjACADAAAABQAgEgAAYwAgEwAAYgAgAQsAAGcAMAcDAABHACAuAABGADAvAAADABAwAABGADAxAgAAAAEyAQBDACEzAgBCACECAAAABQAgCwAAYgAgAgAAAGAAIAsAAGEAIAYuAABfADAvAABgABAwAABfADAxAgBCACEyAQBDACEzAgBCACEGLgAAXwAwLwAAYAAQMAAAXwAwMQIAQgAhMgEAQwAhMwIAQgAhAjECAE4AITIBAE0AIQIxAgBOACEyAQBNACECMQIAAAABMgEAAAABBBIAAFgAMEcAAFkAMEkAAFsAIE0AAFwAMAABBAAAZQAgAjECAAAAATIBAAAAAQMxAgAAAAE_AQAAAAFBAAAAQQICAAAAAQAgEgAAaAAgAwAAAAkAIBIAAGgAIBMAAGwAIAUAAAAJACALAABsACAxAgBOACE_AQBNACFBAABWQSIDMQIATgAhPwEATQAhQQAAVkEiAgQGAgUAAwEDAAEBBAcAAAAABQUACBgACRkAChoACxsADAAAAAAABQUACBgACRkAChoACxsADAEDAAEBAwABBQUAERgAEhkAExoAFBsAFQAAAAAABQUAERgAEhkAExoAFBsAFQYCAQcIAQgLAQkMAQoNAQwPAQ0RBA4SBQ8UARAWBBEXBhQYARUZARYaBBwdBx0eDR4fAh8gAiAhAiEiAiIjAiMlAiQnBCUoDiYqAicsBCgtDykuAiovAiswBCwzEC00Fg"
};
async function decodeBase64AsWasm(wasmBase64) {
  const { Buffer: Buffer2 } = await import("node:buffer");
  const wasmArray = Buffer2.from(wasmBase64, "base64");
  return new WebAssembly.Module(wasmArray);
}
config.compilerWasm = {
  getRuntime: async () => await import("@prisma/client/runtime/query_compiler_fast_bg.postgresql.mjs"),
  getQueryCompilerWasmModule: async () => {
    const { wasm } = await import("@prisma/client/runtime/query_compiler_fast_bg.postgresql.wasm-base64.mjs");
    return await decodeBase64AsWasm(wasm);
  },
  importName: "./query_compiler_fast_bg.js"
};
function getPrismaClientClass() {
  return runtime.getPrismaClient(config);
}

// esm/internal/prismaNamespace.ts
var prismaNamespace_exports = {};
__export(prismaNamespace_exports, {
  AnyNull: () => AnyNull2,
  DbNull: () => DbNull2,
  Decimal: () => Decimal2,
  JsonNull: () => JsonNull2,
  ModelName: () => ModelName,
  NullTypes: () => NullTypes2,
  PostScalarFieldEnum: () => PostScalarFieldEnum,
  PrismaClientInitializationError: () => PrismaClientInitializationError2,
  PrismaClientKnownRequestError: () => PrismaClientKnownRequestError2,
  PrismaClientRustPanicError: () => PrismaClientRustPanicError2,
  PrismaClientUnknownRequestError: () => PrismaClientUnknownRequestError2,
  PrismaClientValidationError: () => PrismaClientValidationError2,
  QueryMode: () => QueryMode,
  SortOrder: () => SortOrder,
  Sql: () => Sql2,
  TransactionIsolationLevel: () => TransactionIsolationLevel,
  UserScalarFieldEnum: () => UserScalarFieldEnum,
  defineExtension: () => defineExtension,
  empty: () => empty2,
  getExtensionContext: () => getExtensionContext,
  join: () => join2,
  prismaVersion: () => prismaVersion,
  raw: () => raw2,
  sql: () => sql
});
import * as runtime2 from "@prisma/client/runtime/client";
var PrismaClientKnownRequestError2 = runtime2.PrismaClientKnownRequestError;
var PrismaClientUnknownRequestError2 = runtime2.PrismaClientUnknownRequestError;
var PrismaClientRustPanicError2 = runtime2.PrismaClientRustPanicError;
var PrismaClientInitializationError2 = runtime2.PrismaClientInitializationError;
var PrismaClientValidationError2 = runtime2.PrismaClientValidationError;
var sql = runtime2.sqltag;
var empty2 = runtime2.empty;
var join2 = runtime2.join;
var raw2 = runtime2.raw;
var Sql2 = runtime2.Sql;
var Decimal2 = runtime2.Decimal;
var getExtensionContext = runtime2.Extensions.getExtensionContext;
var prismaVersion = {
  client: "7.10.1",
  engine: "d1b3f377ca835d73fd50954a5e22128b9ebdd6b8"
};
var NullTypes2 = {
  DbNull: runtime2.NullTypes.DbNull,
  JsonNull: runtime2.NullTypes.JsonNull,
  AnyNull: runtime2.NullTypes.AnyNull
};
var DbNull2 = runtime2.DbNull;
var JsonNull2 = runtime2.JsonNull;
var AnyNull2 = runtime2.AnyNull;
var ModelName = {
  User: "User",
  Post: "Post"
};
var TransactionIsolationLevel = runtime2.makeStrictEnum({
  ReadUncommitted: "ReadUncommitted",
  ReadCommitted: "ReadCommitted",
  RepeatableRead: "RepeatableRead",
  Serializable: "Serializable"
});
var UserScalarFieldEnum = {
  id: "id",
  email: "email",
  role: "role"
};
var PostScalarFieldEnum = {
  id: "id",
  title: "title",
  authorId: "authorId"
};
var SortOrder = {
  asc: "asc",
  desc: "desc"
};
var QueryMode = {
  default: "default",
  insensitive: "insensitive"
};
var defineExtension = runtime2.Extensions.defineExtension;

// esm/enums.ts
var enums_exports = {};
__export(enums_exports, {
  Role: () => Role
});
var Role = {
  ADMIN: "ADMIN",
  USER: "USER"
};

// esm/client.ts
globalThis["__dirname"] = path.dirname(fileURLToPath(import.meta.url));
var PrismaClient = getPrismaClientClass();
export {
  enums_exports as $Enums,
  prismaNamespace_exports as Prisma,
  PrismaClient,
  Role
};

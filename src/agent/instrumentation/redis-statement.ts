/** Commands without a key among their arguments. */
const KEYLESS =
  /^(?:ACL|AUTH|BGREWRITEAOF|BGSAVE|CLIENT|CLUSTER|COMMAND|CONFIG|DBSIZE|DISCARD|ECHO|EXEC|FAILOVER|FLUSHALL|FLUSHDB|FUNCTION|HELLO|INFO|KEYS|LASTSAVE|LATENCY|LOLWUT|MODULE|MONITOR|MULTI|PING|PSUBSCRIBE|PSYNC|PUBLISH|PUBSUB|PUNSUBSCRIBE|QUIT|RANDOMKEY|READONLY|READWRITE|REPLICAOF|RESET|ROLE|SAVE|SCAN|SCRIPT|SELECT|SHUTDOWN|SLAVEOF|SLOWLOG|SPUBLISH|SSUBSCRIBE|SUBSCRIBE|SUNSUBSCRIBE|SWAPDB|SYNC|TIME|UNSUBSCRIBE|UNWATCH|WAIT|WAITAOF)$/;
/** Every argument is a key. */
const ALL_KEYS = /^(?:DEL|EXISTS|MGET|PFCOUNT|PFMERGE|SDIFF|SDIFFSTORE|SINTER|SINTERSTORE|SUNION|SUNIONSTORE|TOUCH|UNLINK|WATCH)$/;
/** Every argument but the last is a key. */
const ALL_BUT_LAST = /^(?:BLPOP|BRPOP|BZPOPMAX|BZPOPMIN)$/;
const KEY_VALUE_PAIRS = /^(?:MSET|MSETNX)$/;
const TWO_KEYS = /^(?:BLMOVE|BRPOPLPUSH|COPY|GEOSEARCHSTORE|LCS|LMOVE|RENAME|RENAMENX|RPOPLPUSH|SMOVE|ZRANGESTORE)$/;
/** The number of keys stands in the arguments, at this place. */
const COUNTED: Readonly<Record<string, number>> = {
  EVAL: 1, EVAL_RO: 1, EVALSHA: 1, EVALSHA_RO: 1, FCALL: 1, FCALL_RO: 1,
  LMPOP: 0, SINTERCARD: 0, ZDIFF: 0, ZINTER: 0, ZINTERCARD: 0, ZMPOP: 0, ZUNION: 0,
  BLMPOP: 1, BZMPOP: 1, ZDIFFSTORE: 1, ZINTERSTORE: 1, ZUNIONSTORE: 1,
};

/** What a span says of a Redis command: its name and how many keys it touches. Neither keys nor values. */
export function redisStatement(command: string, args: readonly unknown[] | undefined): string {
  const name = String(command).toUpperCase();
  // A command object that an application made by itself need not have any.
  if (!Array.isArray(args)) return name;
  const keys = countKeys(name, args);
  return keys === 0 ? name : `${name} [${keys} ${keys === 1 ? 'key' : 'keys'}]`;
}

function countKeys(name: string, args: readonly unknown[]): number {
  if (args.length === 0 || KEYLESS.test(name)) return 0;
  if (ALL_KEYS.test(name)) return args.flat().length;
  if (ALL_BUT_LAST.test(name)) return Math.max(1, args.flat().length - 1);
  if (KEY_VALUE_PAIRS.test(name)) return countPairs(args);
  if (TWO_KEYS.test(name)) return 2;
  if (name === 'XREAD' || name === 'XREADGROUP') return countStreams(args);
  const place = COUNTED[name];
  if (place === undefined) return 1;
  const counted = Number(args[place]);
  return (Number.isInteger(counted) && counted >= 0 ? counted : 1) + (name.endsWith('STORE') ? 1 : 0);
}

function countPairs(args: readonly unknown[]): number {
  const [first] = args;
  if (args.length === 1 && typeof first === 'object' && first !== null && !Array.isArray(first)) return Object.keys(first).length;
  return Math.ceil(args.flat().length / 2);
}

function countStreams(args: readonly unknown[]): number {
  const words = args.flat();
  const start = words.findIndex((word) => String(word).toUpperCase() === 'STREAMS');
  return start === -1 ? 1 : Math.ceil((words.length - start - 1) / 2);
}

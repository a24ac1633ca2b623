'use strict';
/*
 * The guard: what `--require` loads into every process and worker thread of the application, before anything
 * else. It decides whether the agent belongs here, and whatever happens the application runs.
 * Copied as it is and parsed by whichever Node the application brings: ES5 only, no dependency.
 */
(function () {
  var LOADED = typeof Symbol === 'function' && Symbol.for ? Symbol.for('otel-run.loaded') : '__otel_run_loaded';
  /** Under what the threads of this process find what it is: https://nodejs.org/api/worker_threads.html#worker_threadsgetenvironmentdatakey */
  var MAIN = 'otel-run.main';
  /** Names, with commas, of variables that a thread must not see; set by worker-env.ts. */
  var HIDDEN = 'OTEL_RUN_HIDDEN';
  /** The oldest Node that the agent supports. */
  var OLDEST = [20, 19];
  /** Other agents, by what `--require` or `--import` would load: a package, or a file in one. */
  var OTHER_AGENTS =
    /^(?:.*[\\/]node_modules[\\/])?(dd-trace|newrelic|elastic-apm-node|@elastic\/opentelemetry-node|@instana\/collector|@google-cloud\/trace-agent|appdynamics|solarwinds-apm|@appsignal\/nodejs|@honeycombio\/opentelemetry-node|@splunk\/otel|@opentelemetry\/auto-instrumentations-node|@sentry\/node|@azure\/monitor-opentelemetry|@aws\/aws-distro-opentelemetry-node-autoinstrumentation|@logfire\/node|applicationinsights|@dynatrace\/oneagent)(?=$|[\\/])/;
  /** Where the operators of Kubernetes put them. */
  var OTHER_AGENT_PLACES = { '/otel-auto-instrumentation-nodejs/': 'the OpenTelemetry operator', '/newrelic-instrumentation/': 'newrelic' };
  var OTHER_AGENT_SYMBOLS = { 'dd-trace': 'dd-trace', newrelic: 'newrelic' };

  /** Package managers start the application; tracing them costs every start and shows nobody anything. */
  var PACKAGE_MANAGERS = ['npm', 'npx', 'yarn', 'yarnpkg', 'pnpm', 'pnpx', 'corepack', '@yarnpkg/cli-dist'];
  /** Programs that only start or watch the application in a process of its own. */
  var STARTERS = ['tsx', 'nodemon', 'cross-env', 'concurrently', 'dotenv-cli', 'env-cmd', 'npm-run-all', 'npm-run-all2', 'node-gyp', 'husky', 'turbo', 'lerna', 'wireit'];
  /** Bin names of STARTERS that differ from the package's name. */
  var STARTER_BINS = ['dotenv', 'run-s', 'run-p'];
  /** Worker threads that serve a library, told by what that library hands to them. */
  var SERVICE_WORKERS = [
    { of: 'pino', is: function (data) { return typeof data.$context === 'object' && data.$context !== null && 'threadStreamVersion' in data.$context; } },
    { of: 'thread-stream', is: function (data) { return 'dataBuf' in data && 'stateBuf' in data && 'filename' in data; } },
    { of: 'esbuild', is: function (data) { return 'esbuildVersion' in data && 'workerPort' in data; } }
  ];

  var plan = null;
  try {
    if (global[LOADED]) return;
    start();
  } catch (error) {
    say('failed', 'could not start, the application runs without telemetry: ' + reason(error));
  } finally {
    forgetFiles();
  }

  /** Applications list, watch and empty `require.cache`: it holds what is theirs. */
  function forgetFiles() {
    var dir = __filename.slice(0, -'register.js'.length);
    for (var file in require.cache) if (file.slice(0, dir.length) === dir) delete require.cache[file];
  }

  function start() {
    var text = process.env.OTEL_RUN_PLAN;
    var options = process.env.NODE_OPTIONS || '';
    hideFromThread();
    if (/^(?:1|true)$/i.test(process.env.OTEL_RUN_DISABLED || '')) return;
    // The launcher names this file in NODE_OPTIONS. Without its plan the application has dropped our variable for
    // this process; without either, someone required `otel-run/register`: export from inside the process.
    if (!text && options.indexOf(__filename) >= 0) return;
    if (isTool()) return;
    mark();
    if (text) {
      plan = JSON.parse(text);
      if (plan.version !== 1) return say('plan', 'was started by another version of otel-run; this process runs without telemetry.');
    }
    var unsupported = unsupportedRuntime();
    if (unsupported) return say('runtime', unsupported + '; this process runs without telemetry.');
    if (text && !mayWrite()) {
      return say('permission', 'this process may not write to ' + plan.handOff.dir + " (Node's permission model), so it runs without telemetry; --allow-fs-write=" + spoolPlace() + '/* would let it.');
    }
    var other = otherAgent();
    if (other) return say('other-agent', other + ' is active in this application and keeps its telemetry; otel-run adds none.');
    if (text) require('./agent.js').start(plan, say);
    else require('./in-process.js').start(say);
  }

  function mark() {
    Object.defineProperty(global, LOADED, { value: true, configurable: true });
  }

  function unsupportedRuntime() {
    var versions = process.versions;
    if (versions.bun) return 'Bun is not supported';
    if (versions.deno || typeof Deno !== 'undefined') return 'Deno is not supported';
    var parts = versions.node.split('.');
    var major = Number(parts[0]);
    if (major > OLDEST[0] || (major === OLDEST[0] && Number(parts[1]) >= OLDEST[1])) return null;
    return 'Node.js ' + versions.node + ' is not supported (' + OLDEST.join('.') + ' and newer are)';
  }

  function mayWrite() {
    return plan.handOff.kind !== 'spool' || !process.permission || process.permission.has('fs.write', plan.handOff.dir);
  }

  /** Each run has a directory of its own there. */
  function spoolPlace() {
    return plan.handOff.dir.replace(/([\\/]otel-run-[^\\/]*)[\\/].*$/, '$1');
  }

  function isSteppedOver(script) {
    if (!script) return false;
    var path = script.replace(/\\/g, '/');
    var base = path.slice(path.lastIndexOf('/') + 1);
    var name = base.replace(/\.[cm]?js$/, '');
    if (name === 'npm-cli' || name === 'npx-cli' || name === 'otel-run') return true;
    var modules = path.lastIndexOf('/node_modules/');
    var owner = modules < 0 ? null : /^(?:@[^/]+\/)?[^/]+/.exec(path.slice(modules + 14))[0];
    if (PACKAGE_MANAGERS.indexOf(name) >= 0) {
      // An application may call its own script npm.js: the file's place decides.
      return name === base || PACKAGE_MANAGERS.indexOf(owner) >= 0 || /\/(?:corepack|\.yarn\/releases|yarn[^/]*\/bin)\//.test(path);
    }
    if (/\/\.yarn\/releases\/yarn-[^/]+$/.test(path)) return true;
    // The command and the daemon; lib/ProcessContainer*.js are the application.
    if (/\/node_modules\/(?:\.bin\/pm2(?:-dev|-docker|-runtime)?|pm2\/(?:bin\/[^/]+|lib\/Daemon\.js|lib\/binaries\/[^/]+))$/.test(path)) return true;
    if (/\/node_modules\/\.bin\/[^/]+$/.test(path)) return STARTERS.indexOf(name) >= 0 || STARTER_BINS.indexOf(name) >= 0;
    return owner !== null && STARTERS.indexOf(owner) >= 0 && !/\/(?:preflight|loader)\./.test(base);
  }

  /** Whether this process, or this thread of it, only serves the application. */
  function isTool() {
    var threads;
    try {
      threads = require('worker_threads');
    } catch (error) {
      return isSteppedOver(process.argv[1]); // Node 10: no worker threads
    }
    if (threads.isMainThread) {
      var main = { script: process.argv[1], isTool: isSteppedOver(process.argv[1]) };
      // A worker thread does not know its script yet when it loads us, let alone that of its process.
      if (threads.setEnvironmentData) threads.setEnvironmentData(MAIN, main);
      return main.isTool;
    }
    // Node runs asynchronous import hooks in a thread of its own, with our preload and without a port.
    if (threads.parentPort === null) return true;
    var known = threads.getEnvironmentData && threads.getEnvironmentData(MAIN);
    if (known && known.isTool) return true;
    var data = threads.workerData;
    if (typeof data !== 'object' || data === null) return false;
    for (var i = 0; i < SERVICE_WORKERS.length; i++) if (SERVICE_WORKERS[i].is(data)) return true;
    return false;
  }

  /**
   * A thread that was started with an environment of its own got our variables all the same (worker-env.ts): it
   * must not see them, nor hand them on.
   */
  function hideFromThread() {
    var names = process.env[HIDDEN];
    if (!names) return;
    delete process.env[HIDDEN];
    names = names.split(',');
    for (var i = 0; i < names.length; i++) delete process.env[names[i]];
  }

  /** Which other SDK is here already, or will be because the command line asks for it. */
  function otherAgent() {
    // Close enough to how Node splits it: what is looked for holds neither spaces nor quotes.
    var words = (process.env.NODE_OPTIONS || '').replace(/"/g, '').split(/\s+/).concat(process.execArgv);
    var loaded = preloads(words);
    for (var i = 0; i < loaded.length; i++) {
      var asked = OTHER_AGENTS.exec(loaded[i]);
      if (asked) return asked[1];
      for (var place in OTHER_AGENT_PLACES) if (loaded[i].indexOf(place) >= 0) return OTHER_AGENT_PLACES[place];
    }
    for (var name in OTHER_AGENT_SYMBOLS) {
      if (global[Symbol.for(OTHER_AGENT_SYMBOLS[name])]) return name;
    }
    var api = global[Symbol.for('opentelemetry.js.api.1')];
    return api && api.trace ? 'an OpenTelemetry SDK' : null;
  }

  /** The names that these words tell Node to load. */
  function preloads(words) {
    var found = [];
    for (var i = 0; i < words.length; i++) {
      var named = /^(?:-r|--require|--import|--loader|--experimental-loader)(?:=(.*))?$/.exec(words[i]);
      if (named) found.push(named[1] !== undefined ? named[1] : String(words[++i]));
    }
    return found;
  }

  /** One line on stderr, once a cause and process tree where there is a place to remember it. Never throws. */
  function say(cause, text) {
    try {
      if (plan !== null && plan.verbosity === 'quiet') return;
      if (saidBefore(cause)) return;
      require('fs').writeSync(2, 'otel-run: ' + text + '\n');
    } catch (error) {
      // A closed or full stderr is the application's business.
    }
  }

  function saidBefore(cause) {
    if (plan === null || !plan.handOff || plan.handOff.kind !== 'spool') return false;
    var fs = require('fs');
    try {
      fs.closeSync(fs.openSync(plan.handOff.dir + '/said-' + cause, 'wx', 384 /* 0600 */));
      return false;
    } catch (error) {
      return error.code === 'EEXIST';
    }
  }

  function reason(error) {
    return String((error && error.message) || error).split('\n')[0];
  }
})();

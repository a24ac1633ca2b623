type Env = Readonly<Record<string, string | undefined>>;

/** Set by what runs programs for nobody in particular. CI, which most build servers set, may be `false`. */
const ORCHESTRATORS = [
  'KUBERNETES_SERVICE_HOST', 'NOMAD_ALLOC_ID', 'ECS_CONTAINER_METADATA_URI', 'ECS_CONTAINER_METADATA_URI_V4', 'AWS_LAMBDA_FUNCTION_NAME', 'K_SERVICE',
  'CONTAINER_APP_NAME', 'WEBSITE_INSTANCE_ID', 'DYNO', 'FLY_APP_NAME', 'RAILWAY_ENVIRONMENT', 'RENDER',
];
const BUILD_SERVERS = ['JENKINS_URL', 'TEAMCITY_VERSION', 'TF_BUILD'];

/**
 * Whether somebody looks at this terminal: there traces are kept where no backend is configured. A container with one
 * (`docker run -it`, a dev container) is somebody's too: services in containers have none.
 */
export function isDevelopersTerminal({ onTerminal }: { readonly onTerminal: boolean }, env: Env): boolean {
  if (!onTerminal || env.NODE_ENV === 'production' || !/^(?:|0|false)$/i.test(env.CI ?? '')) return false;
  return [...ORCHESTRATORS, ...BUILD_SERVERS].every((name) => (env[name] ?? '') === '');
}

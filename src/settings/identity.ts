import { pickStronger } from './origin.ts';
import type { Resolved, Settings, SettingValues } from './types.ts';

const SETTINGS_OF_ATTRIBUTES = {
  'service.name': 'service.name',
  'service.version': 'service.version',
  'deployment.environment.name': 'environment',
} as const;

/** Name, version, environment and further attributes: what has a setting of its own may stand among the attributes too. */
export function composeIdentity(values: SettingValues): Pick<Settings, 'serviceName' | 'serviceVersion' | 'environment' | 'resource'> {
  const { resource } = values;
  const attributes = new Map(Object.entries(resource.value).map(([name, value]) => [name, { value, origin: resource.parts?.[name] ?? resource.origin }]));
  const pick = (attribute: keyof typeof SETTINGS_OF_ATTRIBUTES): Resolved<string | null> => {
    const setting = values[SETTINGS_OF_ATTRIBUTES[attribute]];
    const found = attributes.get(attribute);
    attributes.delete(attribute);
    return found === undefined || found.value === '' ? setting : pickStronger(found, setting);
  };
  const serviceName = pick('service.name');
  const serviceVersion = pick('service.version');
  const environment = pick('deployment.environment.name');
  if (environment.value !== null) attributes.set('deployment.environment.name', { value: environment.value, origin: environment.origin });
  return { serviceName, serviceVersion, environment, resource: Object.fromEntries(attributes) };
}

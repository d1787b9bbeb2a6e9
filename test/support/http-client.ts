export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  /** `Location`, made absolute. */
  location: string | undefined;
}

export interface Jar {
  get(url: string, headers?: Record<string, string>): Promise<Answered>;
  post(url: string, body: object | URLSearchParams, headers?: Record<string, string>): Promise<Answered>;
  cookies: Map<string, string>;
  /** The same browser as it is now; what one of the two does, the other does not see. */
  copy(): Jar;
}

interface Cookie {
  name: string;
  value: string;
  path: string;
}

/** A browser without pages: keeps cookies by path and follows nothing by itself. */
export function openJar(base: string, cookies = new Map<string, Cookie>()): Jar {
  const matching = (url: URL) =>
    [...cookies.values()]
      .filter(
        ({ path }) =>
          url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');

  async function send(target: string, init: RequestInit): Promise<Answered> {
    const url = new URL(target, base);
    const headers = new Headers(init.headers);
    const cookie = matching(url);
    if (cookie) headers.set('cookie', cookie);
    if (!headers.has('accept')) headers.set('accept', 'text/html,application/json;q=0.5');
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ');
      const [name = '', ...value] = pair.split('=');
      const path = attributes.find((attribute) => attribute.startsWith('path='))?.slice(5) ?? '/';
      const gone = attributes.some((attribute) => attribute.startsWith('expires=Thu, 01 Jan 1970'));
      const key = `${name} ${path}`;
      if (gone) cookies.delete(key);
      else cookies.set(key, { name, value: value.join('='), path });
    }
    const location = response.headers.get('location');
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location === null ? undefined : new URL(location, url).href,
    };
  }

  return {
    get: (url, headers = {}) => send(url, { headers }),
    post(url, body, headers = {}) {
      const form = body instanceof URLSearchParams;
      return send(url, {
        method: 'POST',
        body: form ? body : JSON.stringify(body),
        headers: {
          'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
          ...headers,
        },
      });
    },
    get cookies() {
      return new Map([...cookies.values()].map(({ name, value }) => [name, value]));
    },
    copy: () => openJar(base, new Map(cookies)),
  };
}

/** Search parameters of a page: all are text, and those that are not said are left out of the address. */
export function text<K extends string>(shape: Record<K, "">) {
  return (search: Record<string, unknown>): Partial<Record<K, string>> => {
    const out: Partial<Record<K, string>> = {};
    for (const key of Object.keys(shape) as K[]) {
      const value = search[key];
      if (value !== undefined && value !== null && value !== "") out[key] = String(value);
    }
    return out;
  };
}

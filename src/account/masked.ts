/** The last four characters of a number, the rest as stars: enough to recognise one's own. */
export const maskNumber = (number: string): string =>
  `${'*'.repeat(Math.max(0, number.length - 4))}${number.slice(-4)}`;

/** A mainland phone as 139****0001; others by their last four digits. */
export const maskPhone = (phone: string): string =>
  /^\d{11}$/.test(phone) ? `${phone.slice(0, 3)}****${phone.slice(-4)}` : maskNumber(phone);

const BROWSERS: [RegExp, string][] = [
  [/MicroMessenger/, '微信 WeChat'],
  [/AlipayClient/, '支付宝 Alipay'],
  [/Edg\//, 'Edge'],
  [/HuaweiBrowser/, 'Huawei'],
  [/Firefox\//, 'Firefox'],
  [/(?:Chrome|CriOS)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/OpenHarmony|HarmonyOS/, 'HarmonyOS'],
  [/Android/, 'Android'],
  [/iPad/, 'iPad'],
  [/iPhone/, 'iPhone'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
];
const nameOf = (table: [RegExp, string][], agent: string) =>
  table.find(([pattern]) => pattern.test(agent))?.[1];

/** Browser and system of a `User-Agent`, such as `Chrome · Windows`; `undefined` when neither is known. */
export function describeAgent(agent: string | null | undefined): string | undefined {
  const parts = [nameOf(BROWSERS, agent ?? ''), nameOf(SYSTEMS, agent ?? '')].filter(Boolean);
  return parts.length > 0 ? parts.join(' · ') : undefined;
}

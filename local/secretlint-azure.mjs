/**
 * A rule for secretlint, whose preset knows no secret of Azure: `.secretlintrc.json` names this file by its path as seen
 * from secretlint's own folder, the only one it looks from.
 */

/** Their shapes as they are known today; what is shorter or looks like a word would be found everywhere. */
const secrets = [
  ["a storage account key", /AccountKey\s*=\s*[A-Za-z\d+/]{86}==/g],
  ["a shared access signature", /[?&]sig=[\w%+/-]{43,}/g],
  ["a client secret of Microsoft Entra", /(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])/g],
  ["a refresh token of Microsoft Entra", /(?<![\w.-])[01]\.A[\w-]{40,}\.[\w.-]{100,}/g],
  ["a key of the Functions host", /(?<![\w-])[\w-]{40,54}AzFu[\w-]{6,}={0,2}/g],
  ["a signed token", /(?<![\w-])eyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{80,}/g],
];

/** One each: what is filled into a message is masked as the secret is. */
const messages = Object.fromEntries(secrets.map(([what]) => [what, { en: () => `found ${what}` }]));

export const creator = {
  messages,
  meta: {
    id: "secretlint-azure",
    recommended: true,
    type: "scanner",
    supportedContentTypes: ["text"],
  },
  create(context) {
    const say = context.createTranslator(messages);
    return {
      file({ content }) {
        for (const [what, pattern] of secrets) {
          for (const { index, 0: found } of content.matchAll(pattern)) {
            context.report({ message: say(what), range: [index, index + found.length] });
          }
        }
      },
    };
  },
};

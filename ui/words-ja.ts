import type { Words } from "./words.ts";

const buyPlan = "パートナー センターで顧客の Azure プランを購入してください。";
const assignReader =
  "このサービスのサービス プリンシパルに、サブスクリプションまたはその管理グループの閲覧者ロールを割り当ててください。反映まで 10 分ほどかかることがあります。";
const consentAgain = "管理エージェントが npm run partner-center:consent でもう一度サインインしてください。";

export const japanese: Words = {
  title: "顧客のアクセス許可",
  loading: "読み込んでいます…",
  again: "再試行",
  cancel: "キャンセル",
  opensElsewhere: "新しいタブで開きます",
  requestId: (id) => `要求 ID: ${id}`,

  shell: {
    skip: "本文へ移動",
    navigation: "メイン",
    customers: "顧客",
    activities: "アクティビティ ログ",
    guidance: "ガイダンス",
    language: "言語",
    theme: "配色",
    themes: { system: "システムに合わせる", light: "ライト", dark: "ダーク" },
    signOut: "サインアウト",
    roles: { AdminAgent: "管理エージェント", SalesAgent: "販売代理店", HelpdeskAgent: "ヘルプデスク エージェント" },
    readsOnly: (role) =>
      `${role}は、すべてを閲覧できます。アクセス許可をオンまたはオフにできるのは管理エージェントだけです。`,
  },
  signIn: {
    heading: "顧客のアクセス許可",
    text: "Azure の予約と節約プランを、パートナーの負担で誰が購入できるかを、顧客ごとに決めます。",
    button: "サインイン",
    buttonOf: (tenant) => `${tenant} にサインイン`,
    cancelled: "サインインはキャンセルされました。",
    failed: (code) => `Microsoft Entra でサインインできませんでした (${code})。`,
    unavailable: "Microsoft Entra に接続できません。しばらくしてからもう一度お試しください。",
    noRole: "役割が割り当てられていません",
    noRoleText: (userName) =>
      `${userName} でサインインしていますが、管理エージェント、販売代理店、ヘルプデスク エージェントのいずれの役割もありません。このサービスのエンタープライズ アプリケーションで役割を割り当てるようテナントの管理者に依頼し、もう一度サインインしてください。`,
  },

  products: { azureReservations: "Azure の予約", azureSavingsPlans: "Azure 節約プラン" },
  states: { On: "オン", Off: "オフ" },
  operations: {
    "Create Customer Purchase Permissions": "顧客の購入のアクセス許可を作成",
    "Delete Customer Purchase Permissions": "顧客の購入のアクセス許可を削除",
  },
  results: { Succeeded: "成功", Failed: "失敗", Detected: "検出" },
  findings: {
    TurnedOnOutside: "記録ではオフですが、パートナー センターではオンです。ここでオンにされたものではありません。",
    TurnedOffOutside: "記録ではオンですが、パートナー センターではオフです。ここでオフにされたものではありません。",
    OwnerLost: "オンですが、顧客自身のユーザーまたはグループに所有者がいなくなりました。",
    SubscriptionGone: "オンですが、CSP で購入された Azure サブスクリプションがなくなりました。",
    SubscriptionSuspended: "オンですが、顧客の Azure サブスクリプションが一時停止されています。",
    RelationshipEnded: "オンにされましたが、顧客とのリセラー関係が終了しています。",
  },

  customers: {
    heading: "顧客",
    search: "検索",
    searchHint: "名前、ドメインまたは Microsoft ID",
    filter: "表示",
    filters: {
      all: "すべての顧客",
      on: "アクセス許可がオン",
      off: "アクセス許可がオフ",
      drift: "記録と異なる",
      notEligible: "オンだが条件を満たさない",
    },
    columnCustomer: "顧客",
    columnVerified: "最終確認",
    since: (day, who) => `${day} から (${who})`,
    neverOn: "オンにされたことはありません",
    pending: (state) => `「${japanese.states[state]}」は未確認`,
    neverVerified: "未確認",
    unnamed: "名前のない顧客",
    noMatch: "該当する顧客はありません。",
    noMatchYet: "ここまでに該当する顧客はありません。",
    none: "顧客はまだありません。パートナー センターの一覧に載るか、アクセス許可がオンにされると表示されます。",
    shown: (count, page) => `${page} ページ目: ${count} 件の顧客`,
    next: "次のページ",
    previous: "前のページ",
    pages: "ページ",
  },
  fleet: {
    heading: "パートナーの負担で購入できる顧客",
    now: (count) => `現在オンの顧客: ${count}`,
    change: (difference) =>
      difference === 0 ? "90 日前と同数" : `90 日前より ${Math.abs(difference)} ${difference > 0 ? "増" : "減"}`,
    detail: (reservations, savingsPlans) => `Azure の予約 ${reservations} 件、Azure 節約プラン ${savingsPlans} 件`,
    axis: (most) => `最大 ${most}`,
  },

  customer: {
    back: "すべての顧客",
    tenantId: "Microsoft ID",
    domain: "ドメイン",
    relationship: "関係",
    verified: "最終確認",
    permissions: "顧客のアクセス許可",
    allow: "顧客の購入を許可する",
    lastChange: (moment, who) => `${moment} に ${who} が変更`,
    neverChanged: "既定でオフです。オンにされたことはありません。",
    reason: "理由",
    found: (since) => `${since} に検出`,
    foundBy: (who) => `実行者: ${who}`,
    relationships: {
      reseller: "リセラー",
      advisor: "アドバイザー",
      syndication: "シンジケーション",
      none: "なし",
      unknown: "不明",
    },
  },
  switching: {
    needsAdminAgent: "オンまたはオフにできるのは管理エージェントだけです。",
    notEligible: "オンにできません。顧客が条件を満たしていません。",
    cannotTell: "オンにできません。顧客が条件を満たしているかどうかを判定できません。",
    toChecks: "確認結果を見る",
    working: "問い合わせています…",
    pending: (state) =>
      `パートナー センターが「${japanese.states[state]}」をまだ確認していません。確認されるまでスイッチは動きません。`,
    withdraw: "取り消してオフにする",
    pendingManual: (state) => `パートナー センターで手動で「${japanese.states[state]}」にしてください。`,
    manualSteps: ({ customerId, product, state, expiresAt }, alsoOther) => [
      "パートナー センターのダッシュボードに管理エージェントとしてサインインします。",
      `[顧客] を選択し、Microsoft ID が ${customerId} の顧客を選択します。`,
      "顧客のメニューから [アカウント] を選択します。",
      "ページの下部にある [顧客のアクセス許可] 領域を探します。",
      `[${japanese.products[product]}] で、[顧客の購入を許可する] の横にあるスイッチを「${japanese.states[state]}」の位置に移動します。${
        state === "On"
          ? `${expiresAt} を過ぎたらオンにせず、変更をもう一度依頼してください。`
          : "既にオフの場合は、そのままにします。"
      }`,
      ...(alsoOther ? ["もう一方のスイッチがオフの位置にあることを確認します。オンにしてはいけません。"] : []),
      "確認を待ちます。パートナー センターは 1 分ごとに確認され、スイッチがその位置にあると操作は成功で終わります。",
    ],
    openPartnerCenter: "顧客のアカウント ページを開く",
    done: (product, state) =>
      `${japanese.products[product]}: ${japanese.states[state]}になりました。ログに記録されています。`,
    unchanged: (product, state) =>
      `${japanese.products[product]}は既に${japanese.states[state]}でした。何も変更されていません。`,
    failed: "変更は行われませんでした。スイッチは元のままです。",
    toActivity: "アクティビティを見る",
  },
  dialog: {
    turnOn: (product, customer) => `${customer} に ${japanese.products[product]} の購入を許可しますか?`,
    turnOff: (product, customer) => `${customer} による ${japanese.products[product]} の購入を止めますか?`,
    consequences: [
      "これ以降に顧客が購入したものは、すべてパートナーが支払います。",
      "顧客は、購入の交換、取り消し、更新や、予約のスコープの変更を自分で行えません。パートナーが代わりに行う必要があります。",
      "購入はマイクロソフトから通知されません。パートナー センターの顧客の [注文履歴]、[予約]、[アクティビティ ログ] に表示されます。",
    ],
    offConsequences: ["顧客のユーザーは購入できなくなります。", "購入済みのものはそのまま残り、支払いも続きます。"],
    acknowledge: "顧客が購入したものをパートナーが支払うことを理解しました。",
    reason: "理由",
    reasonHint: "アクティビティ ログに残ります (依頼者、チケット番号など)",
    reasonMissing: "理由を入力してください。ログに残ります。",
    acknowledgeMissing: "支払いについて確認してください。",
    confirmOn: "オンにする",
    confirmOff: "オフにする",
    guidance: "ガイダンスと顧客への案内文",
  },
  eligibility: {
    heading: "オンにできるか",
    checking: "Azure に問い合わせています…",
    again: "もう一度確認",
    checkedAt: (moment) => `${moment} に確認`,
    results: {
      Eligible: "はい。両方の条件を満たしています。",
      NotEligible: "いいえ。条件を満たしていません。",
      Inconclusive: "現在は判定できません。",
    },
    checkResults: { Passed: "満たしている", Failed: "満たしていない", Inconclusive: "不明" },
    checks: {
      azureSubscription:
        "パートナーが顧客のために購入した Azure プランまたは Azure グローバル サブスクリプションがある",
      ownerRole: "顧客自身のユーザーに、その所有者ロールが割り当てられている",
    },
    codes: {
      AzureSubscriptionFound: { message: "CSP で販売された有効なサブスクリプションがあります。" },
      NoAzureSubscription: {
        message:
          "パートナーが CSP で販売した有効な Azure プランまたは Azure グローバル サブスクリプションがありません。",
        remedy: `${buyPlan}一時停止されたサブスクリプションがある場合は、パートナー センターで再開することもできます。`,
      },
      NoResellerRelationship: {
        message: "パートナー センターによると、この顧客のリセラーではありません。",
        remedy: "パートナー センターでリセラー関係を要求し、顧客に承諾してもらってください。",
      },
      NotVisible: {
        message: "販売した有効なサブスクリプションがありますが、Azure がこのサービスに表示しません。",
        remedy: assignReader,
      },
      NoVisibleSubscription: {
        message:
          "Azure はこの顧客のサブスクリプションを 1 つも表示しません。存在しないか、このサービスに閲覧者ロールがありません。",
        remedy: `顧客に Azure プランがあることをパートナー センターで確認してください。ある場合は、${assignReader}`,
      },
      NoSubscriptionToCheck: {
        message: "対象となるサブスクリプションがないため、所有者ロールは確認していません。",
        remedy: "まずサブスクリプションの条件を満たしてください。",
      },
      OwnerFound: { message: "顧客自身のユーザーまたはグループに所有者ロールが割り当てられています。" },
      OwnerRoleMissing: {
        message: "顧客自身のユーザーまたはグループに所有者ロールが割り当てられていません。",
        remedy:
          "購入を行う顧客のユーザーに、サブスクリプションの所有者ロールを割り当ててください。Privileged Identity Management の資格がある場合は、有効化が必要です。反映まで 10 分ほどかかることがあります。",
      },
      DependencyUnavailable: {
        message: "時間内に、信頼できる応答がありませんでした。",
        remedy: "しばらくしてからもう一度お試しください。",
      },
      ReaderRoleMissing: {
        message: "このサービスは、顧客のサブスクリプションのロールの割り当てを読み取れません。",
        remedy: assignReader,
      },
      CustomerAppNotConsented: {
        message: "顧客のテナントに、このサービスの有効なサービス プリンシパルがありません。",
        remedy:
          "顧客のテナントの管理者がアプリケーションに同意し、顧客のサブスクリプションの閲覧者ロールを割り当ててください。",
      },
      CustomerAppRejected: {
        message: "このサービスの資格情報が Entra に拒否されました。",
        remedy:
          "このサービスの運用担当者は、クライアント シークレット (CUSTOMER_APP_CLIENT_SECRET) を更新するか、フェデレーション資格情報を修復してください。",
      },
      CustomerTenantNotFound: {
        message: "この ID のテナントは Entra にありません。",
        remedy: "顧客の ID を確認してください。パートナー センターの Microsoft ID (テナント ID) です。",
      },
      SubscriptionOfOtherTenant: {
        message: "サブスクリプションは別のテナントに属しているか、移動中です。",
        remedy:
          "どの顧客のサブスクリプションかを確認してください。移動後、Azure に反映されるまで 1 時間ほどかかることがあります。",
      },
      PartnerCenterRefused: {
        message: "パートナー センターが応答を拒否しました。",
        remedy: consentAgain,
      },
    },
    remedy: "対処方法",
    openLink: "操作するページを開く",
    evidence: (count) => `確認した内容 (サブスクリプション ${count} 件)`,
    counts: "対象",
    countsNot: "対象外",
    subscriptionCodes: {
      OtherTenant: "別のテナントに属しています",
      NotACspOffer: "CSP パートナーから購入されたものではありません",
      UnknownCspOffer: "このサービスが知らないプランです",
      NotActive: "有効ではありません",
      NotSoldByPartner: "パートナー センターによると、販売したものではありません",
      SaleNotActive: "パートナー センターによると、販売が有効ではありません",
      NotVisible: "販売したものですが、Azure がこのサービスに表示しません",
      Warned: "対象ですが、支払いの遅延について Azure が警告しています",
      PastDue: "対象ですが、支払い期限を過ぎています",
      NotExamined: "確認していません (別のサブスクリプションで十分でした)",
      NoAssignmentsVisible: "ロールの割り当てがこのサービスに表示されません",
      DependencyUnavailable: "Azure が応答しませんでした",
      ReaderRoleMissing: "このサービスに閲覧者ロールがありません",
      CustomerAppNotConsented: "顧客がこのサービスに同意していません",
      CustomerAppRejected: "このサービスの資格情報が Entra に拒否されました",
      CustomerTenantNotFound: "Entra にテナントがありません",
      SubscriptionOfOtherTenant: "別のテナントに属しているか、移動中です",
      SubscriptionNotFound: "サブスクリプションがありません",
    },
    state: "状態",
    quotaId: "プラン (クォータ ID)",
    owners: "対象となる所有者",
    noOwners: "なし",
    ignoredOwners: "対象外の所有者",
    ignored: {
      PartnerPrincipal: "パートナー自身です",
      NotAUserOrGroup: "ユーザーでもグループでもありません",
      ExcludedPrincipal: "このサービスの設定で除外されています",
      BelowSubscription: "サブスクリプションの一部にだけ割り当てられています",
    },
    principalTypes: {
      User: "ユーザー",
      Group: "グループ",
      ServicePrincipal: "サービス プリンシパル",
      ForeignGroup: "外部グループ",
      Unknown: "不明",
    },
    atScope: (scope) => `スコープ: ${scope}`,
    conditional: "一部のロールだけを割り当て可能",
    states: {
      Enabled: "有効",
      Warned: "警告",
      PastDue: "支払い期限超過",
      Disabled: "無効",
      Expired: "期限切れ",
      Deleted: "削除済み",
      Unknown: "不明",
    },
  },
  timeline: {
    heading: "オンだった期間",
    none: "オンになったことはありません。",
    from: (moment) => `${moment} から`,
    until: (moment) => `${moment} まで`,
    stillOn: "現在まで",
    by: (who) => `${who} がオンにしました`,
    onlyNewest: (count) => `ログの最新 ${count} 件に基づきます。`,
  },
  activities: {
    heading: "アクティビティ ログ",
    ofCustomer: "この顧客のアクティビティ ログ",
    at: "日時",
    operation: "操作",
    product: "アクセス許可",
    result: "結果",
    by: "実行者",
    why: "理由",
    customer: "顧客",
    sequence: "番号",
    application: (name) => `${name} (アプリケーション)`,
    acknowledged: "支払いを確認済み",
    none: "記録はありません。",
    newer: "新しい記録",
    older: "古い記録",
    from: "開始日",
    to: "終了日 (当日を含む)",
    download: "ダウンロード",
    downloading: (count) => `${count} 件を取得しました…`,
    downloaded: (count) => `${count} 件をダウンロードしました。`,
    findingClosed: (finding) => `解消されました: ${finding}`,
  },
  guidance: {
    heading: "顧客の購入を許可する前に",
    forPartner: "パートナーの方へ",
    points: [
      "アクセス許可がオンの間に顧客が購入したものは、すべてパートナーが支払います。購入は通知されません。パートナー センターの顧客の [注文履歴]、[予約]、[アクティビティ ログ] を確認してください。",
      "パートナーのサブスクリプションに基づく予約の価格は、パートナーが設定します。Azure portal に表示される価格とは異なる場合があります。",
      "顧客は、予約の交換、取り消し、更新や、最初のスコープの変更を自分で行えません。パートナーに依頼する必要があります。",
      "共有スコープの予約の割引は、その顧客のためにパートナーが購入したすべてのサブスクリプションの、一致する使用量に適用されます。",
      "サブスクリプションの所有者ロールがないと、顧客のユーザーには Azure portal でエラーが表示されます。",
    ],
    source: "基になったマイクロソフトの記事",
    forCustomer: "顧客への案内文",
    letter: `弊社がご提供しているサブスクリプションについて、Azure の予約と節約プランを Azure portal でお客様ご自身で購入いただけるようになりました。

ご注意ください。
・価格: 価格は弊社が設定します。Azure portal に表示される価格とは異なる場合があります。
・スコープ: 購入時にスコープを慎重に選択してください。共有スコープの場合、割引は弊社がご提供しているすべてのサブスクリプションの一致する使用量に適用されます。購入後のスコープの変更は、弊社だけが行えます。
・交換、取り消し、更新: 弊社だけが行えます。弊社にご依頼ください。
・購入できる方: サブスクリプションの所有者ロールが割り当てられているユーザー。

予約の管理について: https://learn.microsoft.com/ja-jp/azure/cost-management-billing/reservations/manage-reserved-vm-instance`,
    copy: "案内文をコピー",
    copied: "コピーしました。",
  },
  problems: {
    Offline: { message: "このサービスに接続できません。", remedy: "接続を確認して、もう一度お試しください。" },
    SignedOut: { message: "サインインの有効期限が切れました。", remedy: "もう一度サインインしてください。" },
    SignInUnavailable: {
      message: "サインインの更新が必要ですが、Microsoft Entra に接続できません。",
      remedy: "しばらくしてからもう一度お試しください。",
    },
    Unauthenticated: { message: "サインインが受け付けられません。", remedy: "もう一度サインインしてください。" },
    DependencyUnavailable: {
      message: "Azure、パートナー センター、またはこのサービスのストレージが現在応答していません。",
      remedy: "しばらくしてからもう一度お試しください。繰り返しても問題ありません。",
    },
    InternalError: {
      message: "このサービスで問題が発生しました。",
      remedy: "もう一度お試しください。再び発生する場合は、下の要求 ID をお知らせください。",
    },
    UnsupportedApiVersionValue: {
      message: "このページは古くなっています。",
      remedy: "ページを読み込み直してください。",
    },
    RequestTooLarge: { message: "要求が大きすぎます。", remedy: "入力を短くしてください。" },
    TooManyWebhooks: { message: "Webhook の登録が多すぎます。" },
    InvalidRequest: { message: "要求が正しくありません。", remedy: "入力を確認してください。" },
    NotFound: { message: "見つかりません。", remedy: "ページを読み込み直してください。" },
    AdminAgentRequired: {
      message: "この操作ができるのは管理エージェントだけです。",
      remedy: "管理エージェントに依頼してください。",
    },
    AgentRoleRequired: {
      message: "役割が割り当てられていません。",
      remedy:
        "管理エージェント、販売代理店、ヘルプデスク エージェントのいずれかの役割を依頼し、もう一度サインインしてください。",
    },
    ScopeRequired: {
      message: "このサインインではこの操作は許可されていません。",
      remedy: "サインアウトして、もう一度サインインしてください。",
    },
    ConditionNotMet: {
      message: "ページを開いた後で、別の人がこのアクセス許可を変更しました。",
      remedy: "最新の状態を表示しています。改めて判断してください。",
    },
    ChangeInProgress: {
      message: "この顧客の別の変更が進行中です。",
      remedy: "終わるまで待ってから、もう一度お試しください。",
    },
    NoAzureSubscription: { message: "対象となる Azure サブスクリプションがありません。" },
    OwnerRoleMissing: { message: "顧客自身のユーザーに所有者ロールがありません。" },
    EligibilityInconclusive: { message: "顧客が条件を満たしているかどうかを判定できません。" },
    RequestIdReused: { message: "同じ要求 ID が別の内容で使われました。", remedy: "もう一度お試しください。" },
    PartnerCenterRefused: { message: "パートナー センターに拒否されました。" },
    MfaRequired: {
      message: "このサービスの管理エージェント アカウントは、多要素認証でサインインしていません。",
      remedy: consentAgain,
    },
    RoleMissing: {
      message: "このサービスのアカウントに、パートナー センターの必要な役割がありません。",
      remedy: "パートナー センターで管理エージェントの役割を割り当て、プログラムの状態を確認してください。",
    },
    AppOnlyToken: { message: "パートナー センターはユーザーのサインインを必要とします。", remedy: consentAgain },
    NoRelationship: {
      message: "この顧客とのリセラー関係がありません。",
      remedy: "顧客と、リセラー関係が続いていることを、パートナー センターで確認してください。",
    },
    SignInRequired: {
      message: "このサービスのサインインがパートナー センターで受け付けられません。",
      remedy: consentAgain,
    },
    Refused: {
      message: "パートナー センターが要求を拒否しました。",
      remedy: "コードをパートナー センターのエラーのドキュメントで確認してください。",
    },
    NotConfirmed: {
      message: "パートナー センターで変更が確認されませんでした。",
      remedy: "パートナー センターで顧客のアクセス許可を確認し、変更をもう一度行ってください。",
    },
    Overtaken: {
      message: "別の変更が先に行われました。",
      remedy: "オフが優先されます。このままでよければ、何もする必要はありません。",
    },
  },
  problemHeading: "実行できませんでした",
};

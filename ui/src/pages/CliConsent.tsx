import { useMutation } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useSelf } from "../api/queries";
import { Banner, ErrorBanner } from "../kit/Banner";
import { Button } from "../kit/Button";
import { Copy } from "../kit/Copy";
import { Icon } from "../kit/Icon";
import { terminalScreenIcon, userCircleIcon } from "../kit/icons";
import { Skeleton } from "../kit/Skeleton";
import { Time } from "../kit/Time";
import { agreeCLI } from "../parts/login/api";
import css from "../parts/login/Login.module.css";
import { LoginFrame } from "../parts/login/LoginFrame";
import { cliRedirect } from "../parts/login/then";

/** Asks whoever has signed in whether a CLI may act as them, and gives it the code to redeem. */
export default function CliConsent() {
  const search = useSearch({ from: "/login/cli" });
  const self = useSelf();
  const [denied, setDenied] = useState(false);
  const redirect = cliRedirect(search.redirect);
  const agree = useMutation({
    mutationFn: () => agreeCLI({ challenge: search.challenge ?? "", state: search.state, redirect }),
    onSuccess: (agreed) => {
      if (agreed.redirect) location.replace(agreed.redirect);
    },
  });

  if (!search.challenge || (search.redirect && !redirect))
    return (
      <LoginFrame title="This link is not complete">
        <p>
          It does not say which command line asks, or names a place that is not on this machine. Run{" "}
          <code>crumpet login</code> again and open the link it prints.
        </p>
      </LoginFrame>
    );
  if (agree.data && !agree.data.redirect)
    return (
      <LoginFrame title="Copy this code" lead="Paste it where the command line waits for it.">
        <div className="stack">
          <output className={css.code}>{agree.data.code}</output>
          <div className="between">
            <span className="faint small">
              It works once, and ends <Time at={agree.data.expires_at} />.
            </span>
            <Copy text={agree.data.code} label="Copy the code" />
          </div>
          <Banner tone="warn" title="Give it to nobody">
            <p>Whoever has this code can act as you. No person needs it, whatever they say.</p>
          </Banner>
        </div>
      </LoginFrame>
    );
  if (agree.data)
    return (
      <LoginFrame title="Done" lead="Go back to your terminal. You can close this page.">
        <p className="faint">
          The command line on this machine acts as you now. Tokens lists what it uses, and can revoke it.
        </p>
      </LoginFrame>
    );

  if (denied)
    return (
      <LoginFrame title="Nothing was given" lead="The command line may not act as you.">
        <p className="faint">You can close this page.</p>
      </LoginFrame>
    );

  const host = search.host || "this machine";
  const deny = () => {
    setDenied(true);
    if (redirect)
      location.replace(`${redirect}?${new URLSearchParams({ error: "denied", state: search.state ?? "" })}`);
  };
  return (
    <LoginFrame
      title={`Let the CLI on ${host} act as you?`}
      foot="Did you not run crumpet login just now? Then say no: somebody else may have sent you this link."
    >
      {self.error && <ErrorBanner error={self.error} onRetry={() => void self.refetch()} />}
      {agree.error && <ErrorBanner error={agree.error} />}
      <div className={css.who}>
        <Icon of={userCircleIcon} size={24} />
        <div>
          <div className="small faint">You are signed in as</div>
          <div className="strong">{self.data ? self.data.user : <Skeleton />}</div>
        </div>
      </div>
      <div className={css.who}>
        <Icon of={terminalScreenIcon} size={24} />
        <div>
          <div className="small faint">Asked for by crumpet on</div>
          <div className="mono strong">{host}</div>
        </div>
      </div>
      <p className="faint small">
        It gets a token of yours for 90 days, with all that you may do. It stands on the page Tokens, where you can
        revoke it.
      </p>
      <div className={css.buttons}>
        <Button onClick={deny}>No</Button>
        <Button kind="primary" busy={agree.isPending} disabled={!self.data} onClick={() => agree.mutate()}>
          Yes, let it
        </Button>
      </div>
    </LoginFrame>
  );
}

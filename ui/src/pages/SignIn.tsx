import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { ApiError } from "../api/error";
import { Banner, ErrorBanner } from "../kit/Banner";
import { Button, IconButton } from "../kit/Button";
import { Field, TextInput } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { eyeIcon, eyeOffIcon, identityUserIcon } from "../kit/icons";
import { login, loginMethods } from "../parts/login/api";
import css from "../parts/login/Login.module.css";
import { LoginFrame } from "../parts/login/LoginFrame";
import { refusedText } from "../parts/login/refused";
import { ownPath } from "../parts/login/then";

/** Signs somebody in: through a provider, or with the password of a local user. */
export default function SignIn() {
  const { then, refused, provider } = useSearch({ from: "/login" });
  const router = useRouter();
  const queries = useQueryClient();
  const goal = ownPath(then);
  // Whoever comes here has no session: what the last one was shown is gone, also for the way back.
  useEffect(() => queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "login" }), [queries]);
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [seen, setSeen] = useState(false);
  const [asked, setAsked] = useState(false);

  const methods = useQuery({ queryKey: ["login"], queryFn: ({ signal }) => loginMethods(signal) });
  const providers = methods.data?.providers ?? [];
  const signIn = useMutation({
    mutationFn: (given: { user: string; password: string }) => login(given.user, given.password),
    onSuccess: () => {
      queries.clear(); // what somebody else was shown here
      router.history.push(goal);
    },
    onError: () => setPassword(""),
  });
  // The form's own values count: a password manager may fill fields without telling anybody.
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const given = { user: String(form.get("username") ?? "").trim(), password: String(form.get("password") ?? "") };
    setAsked(true);
    if (given.user && given.password && !signIn.isPending) signIn.mutate(given);
  };
  const lacks = (value: string, text: string) =>
    asked && !signIn.isPending && !signIn.error && value === "" ? text : undefined;
  const refusal = refusedText(refused, provider);

  return (
    <LoginFrame
      title="Sign in to Crumpet"
      lead={goal.startsWith("/login/cli") ? "A command line waits for you." : undefined}
      foot="No account? An admin of the platform makes one: crumpet users create NAME."
    >
      {refusal && !signIn.error && (
        <Banner tone="warn" title={refusal.title} alert>
          <p>{refusal.next}</p>
        </Banner>
      )}
      {signIn.error &&
        (signIn.error instanceof ApiError ? (
          <Banner tone="bad" title={signIn.error.message} alert />
        ) : (
          <ErrorBanner error={signIn.error} />
        ))}
      {methods.error && (
        <ErrorBanner
          error={methods.error}
          title="The ways to sign in are not known"
          onRetry={() => void methods.refetch()}
        />
      )}
      {providers.length > 0 && (
        <>
          <div className={css.providers}>
            {providers.map((p) => (
              <a key={p.name} className={css.provider} href={`${p.path}?then=${encodeURIComponent(goal)}`}>
                <Icon of={identityUserIcon} />
                Continue with {p.name}
              </a>
            ))}
          </div>
          <div className={css.or}>or with a password</div>
        </>
      )}
      <form className={css.form} onSubmit={submit} noValidate>
        <Field label="User" error={lacks(user.trim(), "Who are you?")}>
          <TextInput
            name="username"
            value={user}
            onChange={(e) => setUser(e.target.value)}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={64}
            required
            autoFocus
          />
        </Field>
        <Field label="Password" error={lacks(password, "A password is needed.")}>
          <Password value={password} onChange={setPassword} seen={seen} onSeen={() => setSeen(!seen)} />
        </Field>
        <Button kind="primary" type="submit" className={css.wide} busy={signIn.isPending}>
          Sign in
        </Button>
      </form>
    </LoginFrame>
  );
}

function Password({
  value,
  onChange,
  seen,
  onSeen,
}: {
  value: string;
  onChange: (v: string) => void;
  seen: boolean;
  onSeen: () => void;
}) {
  return (
    <div className={css.password}>
      <TextInput
        type={seen ? "text" : "password"}
        name="password"
        value={value}
        onChange={(e) => onChange(e.target.value)}
        autoComplete="current-password"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={1024}
        required
      />
      <IconButton
        icon={seen ? eyeOffIcon : eyeIcon}
        label={seen ? "Hide the password" : "Show the password"}
        small
        onClick={onSeen}
      />
    </div>
  );
}

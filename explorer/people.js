// The worked example of one person's account: second factor, password, closing it. See examples.js.

/** The tab "Your account". `person` has an address and a password. */
export const account = (person) => ({
  title: "Your account: second factor, password, closing it",
  note: `Register and log in in the other tabs first; then put {"Authorization": "Bearer …"} with the new
accessToken under Headers below. Run from top to bottom: a secret for an authenticator app, a code of it, a log in
that now asks for a second factor, a recovery code as if the phone were lost, another password (which ends the other
sessions), and closing the account. Logging in within 30 days has it back. Use a made-up password here.`,
  query: `mutation StartApp($startApp: StartTotpEnrollmentInput!) {
  startTotpEnrollment(input: $startApp) {
    __typename
    ... on TotpEnrollmentStarted {
      secret
      otpauthUri
      expiresAt
    }
    ... on UserError {
      code
      message
    }
  }
}

mutation ConfirmApp($confirmApp: ConfirmTotpEnrollmentInput!) {
  confirmTotpEnrollment(input: $confirmApp) {
    __typename
    ... on ConfirmTotpEnrollmentPayload {
      recoveryCodes
    }
    ... on UserError {
      code
      message
    }
  }
}

mutation LogInAgain($login: LoginInput!) {
  login(input: $login) {
    __typename
    ... on TwoFactorNeeded {
      challenge
      channels
    }
    ... on LoginPayload {
      accessToken
    }
    ... on UserError {
      code
      message
    }
  }
}

mutation GiveRecoveryCode($factor: CompleteTwoFactorInput!) {
  completeTwoFactor(input: $factor) {
    __typename
    ... on LoginPayload {
      accessToken
      user {
        id
        email
      }
    }
    ... on UserError {
      code
      message
    }
  }
}

query MySecondFactor {
  secondFactor {
    channels {
      channel
    }
    recoveryCodesLeft
  }
  permissions {
    name
    canDo
  }
}

mutation ChangePassword($password: ChangePasswordInput!) {
  changePassword(input: $password) {
    __typename
    ... on ChangePasswordPayload {
      endedSessions
    }
    ... on UserError {
      code
      message
    }
  }
}

mutation CloseAccount($close: ArchiveProfileInput!) {
  archiveProfile(input: $close) {
    __typename
    ... on ArchiveProfilePayload {
      restorableUntil
    }
    ... on UserError {
      code
      message
    }
  }
}`,
  variables: {
    startApp: { password: person.password },
    confirmApp: { code: "000000" },
    login: { email: person.email, password: person.password },
    factor: { challenge: "…", channel: "RECOVERY", code: "…" },
    password: {
      oldPassword: person.password,
      newPassword: "another-made-up-passphrase",
      confirmation: "another-made-up-passphrase",
    },
    close: { email: person.email },
  },
});

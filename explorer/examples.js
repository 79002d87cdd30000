// What the explorer offers on the first visit: the demo accounts of the bar, and one worked example a tab.
// GraphiQL names a tab after the first operation in it. The ids are those that the demo data always has.

import { account } from "./people.js";

const demoAuction = "prd_01KZ000000E008000000000051";
const demoCategory = "cat_01KZ000000E008000000000061";
const demoSubcategory = "sub_01KZ000000E00800000000006H";

/** The accounts that a development server is seeded with, and the password they share. */
export const demoPassword = "souk-demo-2026";
export const demoAccounts = [
  { email: "seller@demo.souk.example", label: "seller (demo)" },
  { email: "alice@demo.souk.example", label: "alice, a bidder (demo)" },
  { email: "bob@demo.souk.example", label: "bob, a bidder (demo)" },
];

// Computed when the page opens: an auction to list must end in the future, and an address to register must be new.
const tomorrow = `${new Date(Date.now() + 24 * 3600 * 1000).toISOString().slice(0, 19)}Z`;
const newcomer = `carol-${Date.now().toString(36)}@demo.souk.example`;

/** Each becomes a tab: the title and the note stand above the query as comments. */
export const examples = [
  {
    title: "Browse the catalogue",
    note: `One request for a whole screen: each product with its seller, category, pictures and price.
For the next page set "after" to pageInfo.endCursor; $filter and $sort narrow and order the list.
Nobody needs to be signed in.`,
    query: `query BrowseCatalogue(
  $first: Int = 10
  $after: String
  $filter: ProductFilter
  $sort: ProductSort = NEWEST
) {
  products(
    first: $first
    after: $after
    filter: $filter
    sort: $sort
  ) {
    totalCount
    nodes {
      __typename
      id
      title
      condition
      seller {
        fullname
      }
      category {
        title
      }
      subcategory {
        name
      }
      media {
        url
        mimeType
      }
      ... on FixedPriceProduct {
        price {
          formatted
        }
        quantityAvailable
      }
      ... on AuctionProduct {
        currentPrice {
          formatted
        }
        bidCount
        status
        endsAt
        bids(first: 3) {
          nodes {
            placedAt
            amount {
              formatted
            }
          }
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}`,
    variables: { first: 10, filter: {}, sort: "NEWEST" },
  },
  {
    title: "An auction and its bid history",
    note: `The state of one auction, and its bids, newest first. Bidders are masked to all but the seller,
and a proxy bidder's maximum is never shown. Nobody needs to be signed in.`,
    query: `query AuctionAndBids($id: ID!) {
  product(id: $id) {
    id
    title
    description
    seller {
      id
      fullname
    }
    ... on AuctionProduct {
      status
      startsAt
      endsAt
      proxyBidding
      reserveMet
      startPrice {
        formatted
      }
      currentPrice {
        amount
        currency
        formatted(locale: "en")
      }
      minimumNextBid {
        amount
        currency
      }
      bidCount
      highestBidder {
        fullname
      }
      bids(first: 20) {
        totalCount
        edges {
          cursor
          node {
            id
            placedAt
            status
            amount {
              formatted
            }
            bidder {
              fullname
            }
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
}`,
    variables: { id: demoAuction },
  },
  {
    title: "Watch an auction live",
    note: `A subscription: press play and leave this tab open, then bid from another browser window (each window
has an account of its own). Every accepted bid, extension and end arrives here as it happens.
After a break, give the last cursor as "after" and nothing is missed. Nobody needs to be signed in.`,
    query: `subscription WatchAuction(
  $productId: ID!
  $after: String
) {
  auction(productId: $productId, after: $after) {
    kind
    cursor
    occurredAt
    bid {
      id
      placedAt
      amount {
        formatted
      }
      bidder {
        fullname
      }
    }
    product {
      title
      status
      endsAt
      bidCount
      currentPrice {
        formatted
      }
      minimumNextBid {
        amount
        currency
      }
    }
  }
}`,
    variables: { productId: demoAuction, after: null },
  },
  {
    title: "Place a bid",
    note: `Sign in as alice or bob. What can go wrong is part of the answer: a bid that is too low tells the minimum,
so that you can put it into the variables and try again. On a proxy auction the amount is your secret maximum.
To make a retry safe, add an "idempotencyKey" of your choice to the input.`,
    query: `mutation PlaceBid($input: PlaceBidInput!) {
  placeBid(input: $input) {
    __typename
    ... on PlaceBidPayload {
      isHighestBidder
      bid {
        id
        status
        placedAt
        amount {
          formatted
        }
      }
      product {
        currentPrice {
          formatted
        }
        minimumNextBid {
          amount
          currency
          formatted
        }
        bidCount
      }
    }
    ... on BidTooLow {
      message
      minimum {
        amount
        currency
        formatted
      }
    }
    ... on AuctionNotOpen {
      message
      status
    }
    ... on UserError {
      code
      message
      path
    }
  }
}`,
    variables: { input: { productId: demoAuction, amount: { amount: "1.00", currency: "USD" } } },
  },
  {
    title: "List an auction",
    note: `Sign in as seller (or anybody). endsAt was set to one day after the examples were loaded: if that is past,
change it or press "Reset examples". The new product's id can be used in the other tabs.`,
    query: `mutation ListAuction($input: CreateAuctionProductInput!) {
  createAuctionProduct(input: $input) {
    __typename
    ... on CreateAuctionProductPayload {
      product {
        id
        title
        status
        startsAt
        endsAt
        proxyBidding
        startPrice {
          formatted
        }
        minimumNextBid {
          formatted
        }
        category {
          title
        }
        subcategory {
          name
        }
        shippingMethod
        shippingCost {
          formatted
        }
      }
    }
    ... on UserError {
      code
      message
      path
    }
  }
}`,
    variables: {
      input: {
        title: "Brass coffee pot",
        description: "Hand-hammered, holds four small cups.",
        condition: "USED",
        categoryId: demoCategory,
        subcategoryId: demoSubcategory,
        startPrice: { amount: "25.00", currency: "USD" },
        endsAt: tomorrow,
        proxyBidding: true,
        shippingMethod: "STANDARD",
        shippingCost: { amount: "4.50", currency: "USD" },
      },
    },
  },
  {
    title: "Register, verify, log in",
    note: `Four operations in one document: the play button asks which to run. Run them from top to bottom.
A development server answers the second with the secretCode that is otherwise mailed: put it into the
variables for the third. Variables are kept in this browser: use a made-up password here, and the bar
above to sign in for real. Nobody needs to be signed in.`,
    query: `mutation Register($register: RegisterUserInput!) {
  registerUser(input: $register) {
    __typename
    ... on RegisterUserPayload {
      emailVerificationNeeded
      mobileVerificationNeeded
    }
    ... on UserError {
      code
      message
      path
    }
  }
}

mutation StartVerification($start: StartEmailVerificationInput!) {
  startEmailVerification(input: $start) {
    __typename
    ... on VerificationStarted {
      codeIndex
      expiresAt
      secretCode
    }
    ... on UserError {
      code
      message
      path
    }
  }
}

mutation CompleteVerification(
  $complete: CompleteEmailVerificationInput!
) {
  completeEmailVerification(input: $complete) {
    __typename
    ... on EmailVerified {
      email
      isVerified
    }
    ... on UserError {
      code
      message
      path
    }
  }
}

mutation LogInNewUser($login: LoginInput!) {
  login(input: $login) {
    __typename
    ... on LoginPayload {
      accessToken
      accessTokenExpiresAt
      user {
        id
        email
        emailVerified
      }
    }
    ... on UserError {
      code
      message
      path
    }
  }
}`,
    variables: {
      register: { email: newcomer, password: "a-made-up-passphrase", fullname: "Carol Newcomer" },
      start: { email: newcomer },
      complete: { email: newcomer, secretCode: "000000" },
      login: { email: newcomer, password: "a-made-up-passphrase" },
    },
  },
  {
    title: "Log in, and who am I",
    note: `The play button asks which to run. LogIn needs nobody signed in; its accessToken is what a client sends as
"Authorization: Bearer …" (over a websocket: in connection_init). The bar above does the same for you:
CurrentUser shows the account it acts as, and null for an anonymous viewer.`,
    query: `mutation LogIn($input: LoginInput!) {
  login(input: $input) {
    __typename
    ... on LoginPayload {
      accessToken
      refreshToken
      accessTokenExpiresAt
      user {
        id
        fullname
        role
      }
    }
    ... on UserError {
      code
      message
    }
  }
}

query CurrentUser {
  currentUser {
    id
    email
    fullname
    role
    emailVerified
  }
}`,
    variables: { input: { email: "alice@demo.souk.example", password: demoPassword } },
  },
  account({ email: newcomer, password: "a-made-up-passphrase" }),
  {
    title: "Any object by its id",
    note: `Every object has an id that says what it is (prd_, cat_, usr_, …), and node(id:) finds it. What the viewer
may not see is null, the same as what does not exist. Nobody needs to be signed in.`,
    query: `query NodeById($id: ID!, $ids: [ID!]!) {
  node(id: $id) {
    __typename
    id
    ... on Product {
      title
      createdAt
    }
    ... on AuctionProduct {
      status
      endsAt
    }
  }
  nodes(ids: $ids) {
    __typename
    id
    ... on Category {
      title
    }
    ... on Subcategory {
      name
      category {
        id
      }
    }
  }
}`,
    variables: { id: demoAuction, ids: [demoCategory, demoSubcategory] },
  },
];

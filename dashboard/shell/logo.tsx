/** The bell, and the name. */

export function Logo() {
  return (
    <span class="logo">
      <svg viewBox="0 0 24 24" aria-hidden>
        <path d="M12 2.500c-4.200 0-6.200 3-6.200 7.100 0 3.900-1 5.500-2.500 7-.5.500-.1 1.400.6 1.400h16.200c.7 0 1.100-.9.600-1.400-1.500-1.500-2.500-3.100-2.500-7 0-4.100-2-7.100-6.200-7.100zM9 20a3 3 0 0 0 6 0z" />
      </svg>
      Bellwether
    </span>
  );
}
